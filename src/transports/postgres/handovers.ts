// Gives the app the text of streams whose producer died, or whose app failed to take it: elected by their rows.

import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { type Cancel, sleep } from "../../lib/clock.ts";
import type { Ended, HandOver } from "../../port/hand-over.ts";
import { ResumableStreamError } from "../../port/errors.ts";
import { type Row, toError } from "./database.ts";
import { textFrom } from "./entries.ts";
import { parseEntries, parseStatus, type SessionState, toNumber } from "./parse.ts";
import { type PostgresParts, readingOf, run, runForCaller } from "./parts.ts";

/** How often a stream's text is given to an app whose processes die of it, or in it. */
export const MAX_HANDOVERS = 3;
/** How often it is written that the app has a text: unwritten, it is given twice. */
const ATTEMPTS = 4;
/** How often it is looked whether another who was elected is done. */
const LOOKS = { firstMs: 10, maxMs: 500 };
const RETRY = { firstMs: 100, maxMs: 2_000 };

/** A stream of this transport. */
export interface NamedStream {
  key: string;
  streamId: string;
}

export class Handovers {
  readonly #context: PostgresParts;
  /** Tells followers everywhere that a stream is over now. */
  readonly #onSettled: (key: string) => void;
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Set<Cancel>();
  #isClosed = false;

  constructor(context: PostgresParts, onSettled: (key: string) => void) {
    this.#context = context;
    this.#onSettled = onSettled;
  }

  /** Hands over what a row says is due. Settles when the app has had it, if this process was elected, or else at once. */
  take(stream: NamedStream): Promise<void> {
    return this.#once(stream.key, () => this.#take(stream));
  }

  /** The same for whoever doesn't wait for it. */
  takeSoon(stream: NamedStream): void {
    if (!this.#isClosed) background(this.take(stream), (error) => this.#report(error));
  }

  /** A stream's state, once the app has what was due of it; undefined if there is no such stream. */
  async look(stream: NamedStream): Promise<Pick<SessionState, "end" | "epoch" | "handover"> | undefined> {
    for (;;) {
      const [row] = await runForCaller(this.#context, "status", [stream.key]);
      if (!row) return undefined;
      const state = parseStatus(row, readingOf(this.#context));
      if (state.handover !== "due") return { ...state, epoch: toNumber(row, "epoch") };
      await this.take(stream);
    }
  }

  /** Takes what is due, and waits for another who does, also if that one dies in it. */
  async untilOver(stream: NamedStream): Promise<void> {
    const { clock } = this.#context;
    const until = clock.now() + this.#electedMs;
    for (let look = 0; ; look++) {
      const state = await this.look(stream);
      if (state?.handover === undefined || clock.now() >= until) return;
      await sleep(clock, backoffMs(look, LOOKS));
    }
  }

  /** Claims that were superseded by one of this process: whoever still runs under them gives the app its text within a lease. */
  succeed(stream: NamedStream, epochs: readonly number[]): void {
    const { clock, settings } = this.#context;
    if (epochs.length === 0 || !this.#wanted || this.#isClosed) return;
    const cancel = clock.after(settings.leaseMs, () => {
      this.#timers.delete(cancel);
      for (const epoch of epochs) background(this.takeOwed(stream, epoch), (error) => this.#report(error));
    });
    this.#timers.add(cancel);
  }

  /** The text of one superseded claim, if nobody has taken it yet. Settles when the app has had it. */
  takeOwed(stream: NamedStream, epoch: number): Promise<void> {
    return this.#once(`${epoch} ${stream.key}`, () => this.#takeOwed(stream, epoch));
  }

  /** Whether somebody else has given the app, or gives it, what a superseded producer of this process has. */
  async isAnothers(key: string, epoch: number): Promise<boolean> {
    const [row] = await run(this.#context, "takeOwed", [key, epoch]);
    return row?.["is_there"] === true && row["is_taken"] !== true;
  }

  /** This process gives the app what a superseded producer of its own has: whoever superseded it needn't. */
  disown(key: string, epoch: number): void {
    background(this.isAnothers(key, epoch), (error) => this.#report(error));
  }

  /** Settles when what is under way is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    await Promise.allSettled(this.#running.values());
  }

  get #wanted(): HandOver | undefined {
    const { handOver } = this.#context;
    return handOver?.isWanted === true ? handOver : undefined;
  }

  /** The elected process has as long as the app may take, and time for its own statements. */
  get #electedMs(): number {
    const { handOver, settings } = this.#context;
    return (handOver?.timeoutMs ?? 0) + 3 * settings.statementTimeoutMs;
  }

  #once(name: string, act: () => Promise<void>): Promise<void> {
    const known = this.#running.get(name);
    if (known) return known;
    const running = act().finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  async #take({ key, streamId }: NamedStream): Promise<void> {
    const handOver = this.#wanted;
    if (this.#isClosed)
      throw new ResumableStreamError("CLOSED", "Cannot ask for a stream: the context was closed.");
    if (!handOver) return;
    const [row] = await run(this.#context, "elect", [key, this.#electedMs]);
    if (!row) return;
    const epoch = toNumber(row, "epoch");
    const startedAtMs = toNumber(row, "started_ms");
    const { end = "lost" } = parseStatus(row, { isSettling: false, handsOver: false });
    const ended = { streamId, epoch, end, text: textOf(row), error: undefined, startedAtMs };
    await this.#settle(key, epoch, await handOver.run(ended));
    this.#onSettled(key);
  }

  async #takeOwed({ key, streamId }: NamedStream, epoch: number): Promise<void> {
    const [row] = await run(this.#context, "takeOwed", [key, epoch]);
    if (row?.["is_taken"] !== true) return;
    const ended: Omit<Ended, "text"> = {
      streamId,
      epoch,
      end: "lost",
      error: undefined,
      // Epochs start from the clock, in microseconds.
      startedAtMs: epoch / 1000,
    };
    // Nobody else knows of it any more: it is tried once more here.
    const text = textOf(row);
    if (!(await this.#wanted?.run({ ...ended, text }))) await this.#wanted?.run({ ...ended, text });
  }

  async #settle(key: string, epoch: number, isTaken: boolean): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await run(this.#context, "handedOver", [key, epoch, isTaken]);
        return;
      } catch (error) {
        if (attempt === ATTEMPTS - 1) throw error;
        await sleep(this.#context.clock, backoffMs(attempt, RETRY));
      }
    }
  }

  #report(error: unknown): void {
    this.#context.onError(toError("hand an ended stream over", error));
  }
}

/** As much text as there is, whole or not. */
function textOf(row: Row): string {
  return textFrom(0, parseEntries(row)) ?? "";
}
