// How long the command waits for a server's answer.

import { systemClock, withDeadline } from "../lib/clock.ts";

const ANSWER_TIMEOUT_MS = 5_000;
export const CONNECT_TIMEOUT_MS = 5_000;

export function bounded<T>(
  what: string,
  promise: Promise<T>,
  timeoutMs: number = ANSWER_TIMEOUT_MS,
): Promise<T> {
  const late = (): Error => new Error(`Cannot ${what}: no answer within ${timeoutMs} ms.`);
  return withDeadline(systemClock, promise, { timeoutMs, late });
}
