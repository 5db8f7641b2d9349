// Two things that nearly every transport needs, for those who write their own.

import { asResumableStreamError } from "./errors.ts";
import { type Clock, systemClock, withDeadline } from "../lib/clock.ts";
import { cutBeforePair } from "../lib/text.ts";

/**
 * A call to a backend as the port wants it: its answer, or `TRANSPORT_UNAVAILABLE` once it failed or `timeoutMs` have
 * passed. A `TypeError` stays one, and so does an error that is ours. `what` completes "Cannot …". Give `clock` if the
 * transport runs on another one, in a simulation say.
 */
export async function bounded<T>(
  call: Promise<T>,
  { what, timeoutMs, clock = systemClock }: { what: string; timeoutMs: number; clock?: Clock },
): Promise<T> {
  const late = (): Error => new Error(`no answer within ${timeoutMs} ms`);
  try {
    return await withDeadline(clock, call, { timeoutMs, late });
  } catch (cause) {
    if (cause instanceof TypeError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot ${what}: the backend is unavailable (${why}). Check that it runs and can be reached.`;
    throw asResumableStreamError(cause, "TRANSPORT_UNAVAILABLE", message);
  }
}

/** At most `maxUnits` of a text from `from` on. Never half of a surrogate pair at its end, unless that half is all there would be. */
export function cutText(text: string, from: number, maxUnits: number): string {
  return text.slice(from, cutBeforePair(text, from, from + maxUnits));
}
