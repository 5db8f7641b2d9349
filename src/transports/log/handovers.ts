// Gives the app the text of streams whose producer died, or whose app failed to take it: elected by their records.

import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { type Cancel, sleep } from "../../lib/clock.ts";
import type { HandOver } from "../../port/hand-over.ts";
import { asResumableStreamError, ResumableStreamError } from "../../port/errors.ts";
import { type LogParts, stateOf, type StreamState } from "./parts.ts";
import type { NamedStream } from "./store.ts";

/** How often a stream's text is given to an app whose processes die of it, or in it. */
export const MAX_HANDOVERS = 3;
/** How often it is written that the app has a text: unwritten, it is given twice. */
const ATTEMPTS = 4;
/** How often it is looked whether another who was elected is done. */
const LOOKS = { firstMs: 10, maxMs: 500 };
const RETRY = { firstMs: 100, maxMs: 2_000 };

export class Handovers {
  readonly #parts: LogParts;
  /** Tells followers everywhere that a stream is over now. */
  readonly #onSettled: (key: string) => void;
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Set<Cancel>();
  #isClosed = false;

  constructor(parts: LogParts, onSettled: (key: string) => void) {
    this.#parts = parts;
    this.#onSettled = onSettled;
  }

  /** Hands over what a record says is due. Settles when the app has had it, if this process was elected, or else at once. */
  take(stream: NamedStream): Promise<void> {
    return this.#once(stream.key, () => this.#take(stream));
  }

  /** The same for whoever doesn't wait for it. */
  takeSoon(stream: NamedStream): void {
    if (!this.#isClosed) background(this.take(stream), (error) => this.#report(error));
  }

  /** A stream's state, once the app has what was due of it; undefined if there is no such stream. */
  async look(stream: NamedStream): Promise<StreamState | undefined> {
    for (;;) {
      const record = await this.#parts.store.look(stream.key);
      const state = record && stateOf(this.#parts, record);
      if (state?.handover !== "due") return state;
      await this.take(stream);
    }
  }

  /** Takes what is due, and waits for another who does, also if that one dies in it. */
  async untilOver(stream: NamedStream): Promise<void> {
    const { clock } = this.#parts;
    const until = clock.now() + this.#electedMs;
    for (let look = 0; ; look++) {
      const state = await this.look(stream);
      if (state?.handover === undefined || clock.now() >= until) return;
      await sleep(clock, backoffMs(look, LOOKS));
    }
  }

  /** Claims that were superseded by one of this process: whoever still runs under them gives the app its text, if it lives. */
  succeed(stream: NamedStream, epochs: readonly number[]): void {
    const { settings } = this.#parts;
    if (!this.#wanted) return;
    // It learns within a lease that it was superseded, and has the time of a request to say that the text is its own.
    for (const epoch of epochs) this.#takeOwedIn(settings.leaseMs + settings.requestTimeoutMs, stream, epoch);
  }

  /** The text of one superseded claim, unless somebody has given it. Settles when the app has had it. */
  takeOwed(stream: NamedStream, epoch: number): Promise<void> {
    return this.#once(`${epoch} ${stream.key}`, () => this.#takeOwed(stream, epoch));
  }

  /**
   * Whether somebody else has given the app, or gives it, what a superseded producer of this process has. If not, that producer does:
   * `isTaken` tells what came of it.
   */
  async isAnothers(key: string, epoch: number, isTaken: () => Promise<boolean>): Promise<boolean> {
    let isElsewhere = false;
    try {
      const { status } = await this.#parts.store.takeOwed(key, epoch, this.#electedMs);
      isElsewhere = status === "elsewhere";
      return isElsewhere;
    } finally {
      // Also if the answer was lost: it may have been elected.
      if (!isElsewhere) {
        const settled = isTaken().then((taken) => this.#settle(key, epoch, taken));
        background(settled, (error) => this.#report(error));
      }
    }
  }

  /** This process gives the app what a superseded producer of its own has: whoever superseded it needn't. */
  disown(key: string, epoch: number, isTaken: () => Promise<boolean>): void {
    background(this.isAnothers(key, epoch, isTaken), (error) => this.#report(error));
  }

  /** Settles when what is under way is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    await Promise.allSettled(this.#running.values());
  }

  get #wanted(): HandOver | undefined {
    const { handOver } = this.#parts;
    return handOver?.isWanted === true ? handOver : undefined;
  }

  /** The elected process has as long as the app may take, and time for its own requests. */
  get #electedMs(): number {
    const { handOver, settings } = this.#parts;
    return (handOver?.timeoutMs ?? 0) + 3 * settings.requestTimeoutMs;
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
    const elected = await this.#parts.store.elect(key, this.#electedMs);
    if (!elected) return;
    const isTaken = await handOver.run({ ...elected, streamId, error: undefined });
    await this.#settle(key, elected.epoch, isTaken);
    this.#onSettled(key);
  }

  #takeOwedIn(delayMs: number, stream: NamedStream, epoch: number): void {
    if (this.#isClosed) return;
    const cancel = this.#parts.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      background(this.takeOwed(stream, epoch), (error) => this.#report(error));
    });
    this.#timers.add(cancel);
  }

  async #takeOwed(stream: NamedStream, epoch: number): Promise<void> {
    const { key, streamId } = stream;
    for (;;) {
      const owed = await this.#parts.store.takeOwed(key, epoch, this.#electedMs);
      // The process that gives it may die in it.
      if (owed.status === "elsewhere" && owed.leaseMs > 0) this.#takeOwedIn(owed.leaseMs, stream, epoch);
      if (owed.status !== "taken") return;
      // Epochs start from the clock, in microseconds.
      const startedAtMs = epoch / 1000;
      const ended = { streamId, epoch, end: "lost", text: owed.text, error: undefined, startedAtMs } as const;
      const isTaken = (await this.#wanted?.run(ended)) ?? false;
      await this.#settle(key, epoch, isTaken);
      if (isTaken) return;
    }
  }

  async #settle(key: string, epoch: number, isTaken: boolean): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#parts.store.handedOver(key, epoch, isTaken);
        return;
      } catch (error) {
        if (attempt === ATTEMPTS - 1) throw error;
        await sleep(this.#parts.clock, backoffMs(attempt, RETRY));
      }
    }
  }

  #report(error: unknown): void {
    const { onError, store } = this.#parts;
    const message = `Cannot hand an ended stream over: ${store.reasonOf(error)}.`;
    onError(asResumableStreamError(error, "TRANSPORT_UNAVAILABLE", message));
  }
}
