// The patience of callers while a store is away.

import { background } from "../../lib/background.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import { asResumableStreamError, type ResumableStreamError } from "../../port/errors.ts";
import type { Outages } from "./outages.ts";

/** While the store is away its callers wait no longer than this: one has waited for it already. */
const AWAY_MS = 40;

export interface CallerOptions<T> {
  clock: Clock;
  outages: Outages;
  late: (timeoutMs: number) => ResumableStreamError;
  /** Told an answer that came when its caller had given up. */
  onLate?: ((answer: T) => void) | undefined;
  onError: (error: ResumableStreamError) => void;
}

/**
 * A request that a caller waits for. It is sent also while the store is away, and runs on when its caller has given up: the
 * first that is answered tells that the store is back.
 */
export async function forCaller<T>(
  send: () => Promise<T>,
  { clock, outages, late, onLate, onError }: CallerOptions<T>,
): Promise<T> {
  const { isAway } = outages;
  const answer = send();
  if (!isAway) return answer;
  const lateError = late(AWAY_MS);
  try {
    return await withDeadline(clock, answer, { timeoutMs: AWAY_MS, late: () => lateError });
  } catch (error) {
    if (error === lateError) {
      // A later failure of it is one more sign of the outage that its caller was told of.
      const told = answer.then(onLate, () => undefined);
      background(told, (cause) => {
        const message = "An answer of the store that came late could not be used: see cause.";
        onError(asResumableStreamError(cause, "TRANSPORT_UNAVAILABLE", message));
      });
    }
    throw error;
  }
}
