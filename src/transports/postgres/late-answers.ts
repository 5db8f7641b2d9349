// How many of a pool's connections wait for answers that are late.

import { shared } from "../../lib/shared.ts";

/** The part of a pool that may wait. The rest is for streams that run, and for the app. */
const SHARE = 0.5;
/** `pg`'s own default. */
const DEFAULT_POOL_SIZE = 10;

const waiting = shared("late-answers.1", () => new WeakMap<object, number>());

/** Gives what ends the wait; undefined where as many wait already as may. */
export function waitForLate(pool: object, size: number = DEFAULT_POOL_SIZE): (() => void) | undefined {
  const count = waiting.get(pool) ?? 0;
  if (count >= Math.floor(size * SHARE)) return undefined;
  waiting.set(pool, count + 1);
  return () => waiting.set(pool, (waiting.get(pool) ?? 1) - 1);
}
