// How many of a pool's connections wait for answers that are late.

import { shared } from "../../lib/shared.ts";
import type { PostgresPool } from "./pool-port.ts";

/** The part of a pool that may wait. The rest is for streams that run, and for the app. */
const SHARE = 0.5;
/** `pg`'s own default. */
const DEFAULT_POOL_SIZE = 10;

const waiting = shared("late-answers.1", () => new WeakMap<object, number>());

/** How many connections a pool has for statements: one listens, unless another pool gives that one. */
export function connectionsFor(pool: PostgresPool, listenerPool: PostgresPool | undefined): number {
  const size = pool.options?.max ?? DEFAULT_POOL_SIZE;
  return listenerPool === undefined || listenerPool === pool ? size - 1 : size;
}

/** Gives what ends the wait; undefined if as many wait already as may, of `connections` for statements. */
export function waitForLate(pool: object, connections: number): (() => void) | undefined {
  const count = waiting.get(pool) ?? 0;
  if (count >= Math.floor(connections * SHARE)) return undefined;
  waiting.set(pool, count + 1);
  return () => waiting.set(pool, (waiting.get(pool) ?? 1) - 1);
}
