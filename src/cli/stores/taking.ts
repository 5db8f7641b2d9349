// A module's `onEnd` as a hand-over, and what came of its last call.

import { AppHandOver, type OnEnd } from "../../api/on-end.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Ended, HandOver } from "../../port/hand-over.ts";

/** The default of `onEndTimeoutMs`. */
const TIMEOUT_MS = 10_000;

/** The result of handing a stream over: `elsewhere` if another process does it, or did. */
export type Outcome = { status: "taken" | "elsewhere" } | { status: "failed"; why: string };

interface Call {
  /** The kind of error it failed with; absent if it hasn't. */
  error: string | undefined;
}

export class Taking implements HandOver {
  readonly timeoutMs: number = TIMEOUT_MS;
  readonly isWanted: boolean;
  readonly #app: AppHandOver;
  /** Whether the stream given last was taken; absent before, and once it is told. */
  #isTaken: boolean | undefined;
  /** The last one. One that fails late changes nothing of a later one's. */
  #call: Call = { error: undefined };

  constructor(onEnd: OnEnd | undefined) {
    this.isWanted = onEnd !== undefined;
    this.#app = new AppHandOver({
      onEnd: async (ended) => {
        const call: Call = { error: undefined };
        this.#call = call;
        try {
          await onEnd?.(ended);
        } catch (error) {
          call.error = kindOf(error);
          throw error;
        }
      },
      timeoutMs: TIMEOUT_MS,
      clock: systemClock,
      // Told by `result`.
      onError: () => undefined,
    });
  }

  async run(ended: Ended): Promise<boolean> {
    const isTaken = await this.#app.run(ended);
    this.#isTaken = isTaken;
    return isTaken;
  }

  /** Of the calls since it was asked last. */
  result(): Outcome {
    const isTaken = this.#isTaken;
    this.#isTaken = undefined;
    if (isTaken === undefined) return { status: "elsewhere" };
    const why = this.#call.error ?? `it took longer than ${TIMEOUT_MS} ms`;
    return isTaken ? { status: "taken" } : { status: "failed", why };
  }
}

/** Its name and code alone: a message may hold what the app was given. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error && typeof error.code === "string" ? `${error.name} ${error.code}` : error.name;
}
