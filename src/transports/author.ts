// Two things that nearly every transport needs, for those who write their own.

import { asResumableStreamError } from "../api/errors.ts";
import { systemClock, withDeadline } from "../lib/clock.ts";
import { cutBeforePair } from "../lib/text.ts";

/**
 * A call to a backend as the port wants it: its answer, or `TRANSPORT_UNAVAILABLE` once it failed or `timeoutMs` have
 * passed. A `TypeError` stays one, and so does an error that is ours. `what` completes "Cannot …".
 */
export async function bounded<T>(
  call: Promise<T>,
  { what, timeoutMs }: { what: string; timeoutMs: number },
): Promise<T> {
  const late = (): Error => new Error(`no answer within ${timeoutMs} ms`);
  try {
    return await withDeadline(systemClock, call, { timeoutMs, late });
  } catch (cause) {
    if (cause instanceof TypeError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot ${what}: the backend is unavailable (${why}). Check that it runs and can be reached.`;
    throw asResumableStreamError(cause, "TRANSPORT_UNAVAILABLE", message);
  }
}

/** At most `maxUnits` of a text from `from` on, and never half of a surrogate pair at its end, unless it were nothing then. */
export function cutText(text: string, from: number, maxUnits: number): string {
  return text.slice(from, cutBeforePair(text, from, from + maxUnits));
}
