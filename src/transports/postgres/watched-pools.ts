// Idle connections of a pool that break: with nobody to hear of it such a one would end the process (G7).

import { shared } from "../../lib/shared.ts";
import type { PostgresClient, PostgresPool } from "./pool-port.ts";

type Tell = (error: unknown) => void;

/** By pool, whoever uses it now. One listener per pool. */
const watched = shared("watched-pools.1", () => new WeakMap<PostgresPool, Set<Tell>>());

/**
 * Returns what begins a use of the pools, and that returns what ends it. A context that uses none is kept by none: an app may
 * make one per request, and close none of them.
 */
export function watchPools(pools: readonly PostgresPool[], onError: Tell): () => () => void {
  const listeners = new Set(pools.map(listenersOf));
  let users = 0;
  return () => {
    users += 1;
    for (const each of listeners) each.add(onError);
    let isUsing = true;
    return () => {
      if (!isUsing) return;
      isUsing = false;
      users -= 1;
      if (users === 0) for (const each of listeners) each.delete(onError);
    };
  };
}

function listenersOf(pool: PostgresPool): Set<Tell> {
  const known = watched.get(pool);
  if (known) return known;
  const told = new Set<Tell>();
  watched.set(pool, told);
  pool.on?.("error", (error: unknown) => {
    for (const tell of told) tell(error);
  });
  // The pool stops listening before it lends: a connection that breaks with its first message would end the process.
  pool.on?.("connect", (client: unknown) => {
    if (isEmitter(client)) client.on("error", () => undefined);
  });
  return told;
}

function isEmitter(value: unknown): value is Required<Pick<PostgresClient, "on">> {
  return typeof value === "object" && value !== null && "on" in value && typeof value.on === "function";
}
