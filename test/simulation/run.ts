// A source's run: what one call of `makeStream` gave, and how it ended. Every character tells its run and its offset.

import type { Machine } from "./machine.ts";

/** What a source does, decided before the simulation starts. */
export interface SourceScript {
  opening: "at once" | "later" | "throws" | "rejects later";
  openingMs: number;
  chunks: ReadonlyArray<{ afterMs: number; units: number }>;
  /** `open`: until it is cancelled or the simulation heals. */
  end: "done" | "failed" | "open";
  cancelling: "settles" | "hangs" | "rejects";
}

export type RunEnd = "running" | "done" | "failed" | "stopped" | "fenced" | "closed";

export interface RunOptions {
  number: number;
  streamId: string;
  machine: Machine;
  script: SourceScript;
  startedAt: number;
  now: () => number;
  /** Where its producer said that it ended, when the source hears of its cancellation. */
  producerEndedAt: () => number;
  log: (line: string) => void;
}

export class Run {
  readonly number: number;
  readonly streamId: string;
  readonly machine: Machine;
  /** When it had its claim, or ran without. */
  startedAt: number;
  text = "";
  end: RunEnd = "running";
  /** It began without a claim, for an outage: it may have got one since, and may not. */
  wasAlone = false;
  endedAt = Number.POSITIVE_INFINITY;
  /** When a reader was first given its end in calm. */
  toldAt = Number.POSITIVE_INFINITY;

  readonly #options: RunOptions;
  #controller: ReadableStreamDefaultController<string> | undefined;
  #isHealed = false;
  #isAtScriptEnd = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.number = options.number;
    this.streamId = options.streamId;
    this.machine = options.machine;
    this.startedAt = options.startedAt;
  }

  /** The body of `makeStream`. */
  open(signal: AbortSignal): ReadableStream<string> | Promise<ReadableStream<string>> {
    const { script } = this.#options;
    if (signal.aborted) this.#aborted(signal.reason);
    signal.addEventListener("abort", () => this.#aborted(signal.reason), { once: true });
    switch (script.opening) {
      case "at once":
        return this.#stream();
      case "throws":
        this.#end("failed");
        throw new Error("makeStream threw, as its script says.");
      case "later":
        return new Promise((resolve) => this.machine.after(script.openingMs, () => resolve(this.#stream())));
      case "rejects later":
        return new Promise((_, reject) =>
          this.machine.after(script.openingMs, () => {
            this.#end("failed");
            reject(new Error("makeStream rejected, as its script says."));
          }),
        );
    }
  }

  /** From now on a source without an end ends. */
  heal(): void {
    this.#isHealed = true;
    if (this.#isAtScriptEnd) this.machine.after(1, () => this.#finish());
  }

  #stream(): ReadableStream<string> {
    const { cancelling } = this.#options.script;
    return new ReadableStream<string>({
      start: (controller) => {
        this.#controller = controller;
        this.#next(0);
      },
      cancel: () => {
        if (cancelling === "hangs") return new Promise(() => undefined);
        if (cancelling === "rejects")
          return Promise.reject(new Error("Cancelling failed, as its script says."));
        return undefined;
      },
    });
  }

  #next(index: number): void {
    const chunk = this.#options.script.chunks[index];
    if (!chunk) {
      this.#isAtScriptEnd = true;
      if (this.#options.script.end !== "open" || this.#isHealed) this.machine.after(1, () => this.#finish());
      return;
    }
    const give = (): void => {
      if (this.end !== "running") return;
      const text = runText(this.number, this.text.length, chunk.units);
      this.text += text;
      this.#controller?.enqueue(text);
      this.#next(index + 1);
    };
    if (chunk.afterMs === 0) give();
    else this.machine.after(chunk.afterMs, give);
  }

  #finish(): void {
    if (this.end !== "running") return;
    if (this.#options.script.end === "failed") {
      this.#end("failed");
      this.#controller?.error(new Error("The source failed, as its script says."));
    } else {
      this.#end("done");
      this.#controller?.close();
    }
  }

  #aborted(reason: unknown): void {
    if (this.end !== "running") return;
    const cause = reason instanceof DOMException && "cause" in reason ? reason.cause : undefined;
    const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
    if (code === "FENCED") this.#end("fenced");
    else if (code === "PRODUCER_LOST") this.#end("closed");
    else {
      // What the source had given and nobody had read yet isn't of the stream.
      if (this.#controller) this.text = this.text.slice(0, this.#options.producerEndedAt());
      this.#end("stopped");
    }
  }

  #end(end: RunEnd): void {
    if (this.end !== "running") return;
    this.end = end;
    this.endedAt = this.#options.now();
    this.#options.log(`run ${this.number} of ${this.streamId}: ${end} at ${this.text.length}`);
  }
}

/** Surrogate pairs now and then: chunks and pages cut them in two. */
const PAIR_EVERY = 53;

export function runText(run: number, from: number, units: number): string {
  let text = "";
  for (let offset = from; offset < from + units; offset++) {
    const place = offset % PAIR_EVERY;
    if (place === PAIR_EVERY - 2) text += "\ud83d";
    else if (place === PAIR_EVERY - 1) text += "\ude00";
    else text += String.fromCharCode(0x100 + (run % 32) * 1024 + (offset % 1024));
  }
  return text;
}
