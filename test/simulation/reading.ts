// A simulated reader: takes a stream at its pace, and holds every piece against what the runs gave.

import type { Participant } from "./participant.ts";
import type { Call, ReaderScript } from "./plan.ts";
import type { Run } from "./run.ts";

/** How a reading ended: cleanly, with an error's code, or because the reader left. */
export type ReadingEnd = "clean" | "left" | { code: string };

export interface ReadingOptions {
  name: string;
  participant: Participant;
  streamId: string;
  /** The call that gave the stream, and when it was made. */
  type: Call["type"];
  askedAt: number;
  stream: ReadableStream<string>;
  from: number;
  /** The run whose original reader this is; absent for a follower. */
  primaryOf: Run | undefined;
  script: ReaderScript;
  /** The runs of this stream so far. */
  runs: () => readonly Run[];
  now: () => number;
  onEnd: (reading: Reading, end: ReadingEnd) => void;
  onWrong: (reading: Reading, what: string) => void;
  log: (line: string) => void;
}

export class Reading {
  readonly options: ReadingOptions;
  readonly startedAt: number;
  /** How much text it has taken. */
  length = 0;
  /** When it last took some. */
  takenAt = Number.NEGATIVE_INFINITY;
  end: ReadingEnd | undefined;
  endedAt = Number.POSITIVE_INFINITY;
  /** It took all it could get at once, always. */
  wasEager: boolean;
  /** The runs whose text fits what was taken; absent while nothing was. */
  #fitting: readonly Run[] | undefined;
  #isHealed = false;
  #hasStalled = false;
  #wake: () => void = () => {};

  constructor(options: ReadingOptions) {
    this.options = options;
    this.startedAt = options.now();
    const { leaveAtUnits, paceMs, stall } = options.script;
    this.wasEager = paceMs === 0 && stall === undefined && leaveAtUnits === undefined;
  }

  get fitting(): readonly Run[] {
    const { primaryOf, runs } = this.options;
    return primaryOf ? [primaryOf] : (this.#fitting ?? runs());
  }

  /** From now on it takes everything at once. */
  heal(): void {
    this.#isHealed = true;
    this.#wake();
  }

  async run(): Promise<void> {
    const reader = this.options.stream.getReader();
    try {
      for (;;) {
        if (!this.#isHealed) await this.#pause();
        if (this.#wantsToLeave()) {
          this.#finish("left");
          await reader.cancel();
          return;
        }
        const { done, value } = await reader.read();
        if (done) return this.#finish("clean");
        this.#take(value);
      }
    } catch (error) {
      const code =
        typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error);
      this.#finish({ code });
    }
  }

  #take(text: string): void {
    const at = this.options.from + this.length;
    const fitting = this.fitting.filter((run) => run.text.startsWith(text, at));
    this.options.log(`${this.options.name} takes ${text.length} at ${at}`);
    if (fitting.length === 0) {
      const given = this.fitting.map((run) => `run ${run.number} has ${run.text.length}`).join(", ");
      this.options.onWrong(this, `took ${text.length} characters at ${at} that no run gave there (${given})`);
    }
    if (text !== "") this.#fitting = fitting;
    this.length += text.length;
    this.takenAt = this.options.now();
  }

  #finish(end: ReadingEnd): void {
    if (this.end !== undefined) return;
    this.end = end;
    this.endedAt = this.options.now();
    const how = typeof end === "string" ? end : end.code;
    this.options.log(`${this.options.name} ends at ${this.options.from + this.length}: ${how}`);
    this.options.onEnd(this, end);
  }

  #wantsToLeave(): boolean {
    const { leaveAtUnits } = this.options.script;
    return leaveAtUnits !== undefined && this.length >= leaveAtUnits;
  }

  async #pause(): Promise<void> {
    const { participant, script } = this.options;
    let forMs = script.paceMs;
    if (script.stall && !this.#hasStalled && this.length >= script.stall.atUnits) {
      this.#hasStalled = true;
      forMs += script.stall.forMs;
    }
    if (forMs === 0) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      // One that would outlast the simulation waits to be healed.
      if (forMs < 1e6) participant.machine.after(forMs, resolve);
    });
  }
}
