// How soon what has to come.

import { systemClock, withDeadline } from "../../lib/clock.ts";
import { AssertionError } from "../assert.ts";

/** How soon a dead producer is found with `QUICK` options. */
export const FOUND_WITHIN_MS = 8_000;
/** How soon a call is told that nothing gets through. */
export const TOLD_WITHIN_MS = 6_000;

/** `promise`, or a failure that names what took too long. */
export function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  const late = (): Error => new AssertionError(`${what} took longer than ${timeoutMs} ms`);
  return withDeadline(systemClock, promise, { timeoutMs, late });
}
