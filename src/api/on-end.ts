// The option `onEnd`: its types, and how it is called.

import { attempt } from "../lib/background.ts";
import { type Clock, withDeadline } from "../lib/clock.ts";
import { markOf } from "../lib/position.ts";
import { ResumableStreamError } from "../port/errors.ts";
import type { Ended, HandOver } from "../port/hand-over.ts";
import type { EndKind } from "../port/transport.ts";

/** A stream that has ended. */
export interface EndedStream {
  /** The id that its producer's caller named. */
  streamId: string;
  /**
   * The mark of its generation: each answer under one id has its own, so that saving by it twice changes nothing. Undefined
   * if the store could not be reached at the start, and nobody elsewhere could follow.
   */
  generation: string | undefined;
  /** How it ended: `"lost"` if its producer died, was superseded or was closed. */
  end: EndKind;
  /** All of its text, as far as it came; undefined if it is lost, because a relay's producer died, or a log's store lost some of a dead one's. */
  text: string | undefined;
  /** The source's error, in its own process; otherwise undefined. */
  error: unknown;
  /** When the call that produced it became its producer. */
  startedAt: Date;
}

/**
 * Takes an answer once it has ended: saves it, say. The stream doesn't count as ended before the promise has settled.
 *
 * @example
 * const onEnd: OnEnd = async ({ streamId, generation, end, text }) => {
 *   await db.query("insert into answers values ($1, $2, $3, $4) on conflict do nothing", [streamId, generation, end, text]);
 * };
 */
export type OnEnd = (ended: EndedStream) => unknown;

/** A context's property by which the handlers of `/ai-sdk` set `onEnd` of a context that was made without. */
export const SET_ON_END: unique symbol = Symbol.for("resumable-stream.set-on-end.1") as never;

export interface HandOverOptions {
  onEnd: OnEnd | undefined;
  timeoutMs: number;
  clock: Clock;
  onError: (error: ResumableStreamError) => void;
}

/** The option as the engine and transports use it. */
export class AppHandOver implements HandOver {
  readonly timeoutMs: number;
  readonly #options: HandOverOptions;
  #onEnd: OnEnd | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
    this.#onEnd = options.onEnd;
    this.timeoutMs = options.timeoutMs;
  }

  get isWanted(): boolean {
    return this.#onEnd !== undefined;
  }

  /** Before the first stream: what was claimed without it is handed over to nobody. */
  set(onEnd: OnEnd): void {
    if (this.#onEnd) throw new TypeError("This context has an onEnd already: it can have one.");
    this.#onEnd = onEnd;
  }

  async run({ streamId, epoch, end, text, error, startedAtMs }: Ended): Promise<boolean> {
    const { clock, onError } = this.#options;
    const { timeoutMs } = this;
    const generation = epoch === undefined ? undefined : markOf(epoch);
    const startedAt = new Date(startedAtMs);
    const taken = attempt(() => this.#onEnd?.({ streamId, generation, end, text, error, startedAt }));
    const late = (): Error => new Error(`it didn't settle within ${timeoutMs} ms`);
    try {
      await withDeadline(clock, taken, { timeoutMs, late });
      return true;
    } catch (cause) {
      const message = `onEnd of "${streamId}" failed: see cause. It is called once more by whoever asks for the stream next, if the store kept its text.`;
      onError(new ResumableStreamError("ON_END_FAILED", message, { cause }));
      return false;
    }
  }
}
