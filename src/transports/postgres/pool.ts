// A pool as the log's database: each statement on a connection that it lends.

import { shared } from "../../lib/shared.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Database, type Row, stateOf } from "./database.ts";
import { runOn } from "./lent-connection.ts";
import { listenOn } from "./listening-connection.ts";
import { createHint } from "./names.ts";
import { outagesOf } from "./outages.ts";
import type { PostgresClient, PostgresPool } from "./pool-port.ts";
import { listenTogether } from "./shared-listening.ts";

export interface PoolDatabaseOptions {
  pool: PostgresPool;
  listenerPool: PostgresPool | undefined;
  clock: Clock;
  onError: (error: unknown) => void;
}

/** Told of a pool's idle connections that break, which without a listener would end the process (G7). One listener per pool. */
const watched = shared("watched-pools.1", () => new WeakMap<PostgresPool, Set<(error: unknown) => void>>());

export function poolDatabase({ pool, listenerPool, clock, onError }: PoolDatabaseOptions): Database {
  const stopWatching = [pool, listenerPool ?? pool].map((each) => watchPool(each, onError));
  // With one connection in all, a listener would leave none to work with.
  const isAlone = listenerPool === undefined && pool.options?.max === 1;
  return {
    outages: outagesOf(pool, clock),
    run: (statement, values, timeoutMs, onLate) =>
      runOn({ pool, clock, timeoutMs, onLate, onError }, async (client) => {
        const { rows } = await sendUntilItRan(client, { pool, statement, values: [...values] });
        return rows.map(toRow);
      }),
    listen: isAlone
      ? undefined
      : (request) => {
          const from = listenerPool ?? pool;
          return listenTogether(from, request, (each) => listenOn(from, { ...each, clock }));
        },
    close: () => {
      for (const stop of stopWatching) stop();
      return Promise.resolve();
    },
  };
}

/** Pools behind a pooler that hands each statement to another backend, which knows no statement prepared before. */
const unprepared = shared("unprepared-pools.1", () => new WeakSet<PostgresPool>());
/** SQLSTATEs of a prepared statement that a backend doesn't have, or has already. */
const PREPARED_STATES = new Set(["26000", "42P05"]);

/**
 * Prepared on `pg`'s own clients: planning would take as long again as the statement. Where backends change under a
 * connection that fails before it does anything, and is sent as it is from then on.
 */
async function send(
  client: PostgresClient,
  { pool, statement, values }: { pool: PostgresPool; statement: string; values: unknown[] },
): Promise<{ rows: unknown[] }> {
  if (unprepared.has(pool) || !isPgClient(client)) return client.query(statement, values);
  try {
    return await client.query({ name: createHint(statement), text: statement, values });
  } catch (error) {
    if (!PREPARED_STATES.has(stateOf(error))) throw error;
    unprepared.add(pool);
    return client.query(statement, values);
  }
}

/** SQLSTATEs of a statement that was undone because another came between, and is to be sent again: it is no outage. */
const CONFLICT_STATES = new Set(["40001", "40P01"]);

/** If transactions are more than "read committed", one that waited for another's row fails. Bounded by the caller's deadline. */
async function sendUntilItRan(
  client: PostgresClient,
  request: { pool: PostgresPool; statement: string; values: unknown[] },
): Promise<{ rows: unknown[] }> {
  for (;;) {
    try {
      return await send(client, request);
    } catch (error) {
      if (!CONFLICT_STATES.has(stateOf(error))) throw error;
    }
  }
}

interface PgClient extends PostgresClient {
  query(query: { name: string; text: string; values: unknown[] }): Promise<{ rows: unknown[] }>;
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** By what a JavaScript client of `pg` keeps of its prepared statements. */
function isPgClient(client: PostgresClient): client is PgClient {
  if (!("connection" in client)) return false;
  const { connection } = client;
  return typeof connection === "object" && connection !== null && "parsedStatements" in connection;
}

function watchPool(pool: PostgresPool, onError: (error: unknown) => void): () => void {
  let listeners = watched.get(pool);
  if (!listeners) {
    const told = new Set<(error: unknown) => void>();
    listeners = told;
    watched.set(pool, told);
    pool.on?.("error", (error: unknown) => {
      for (const listener of told) listener(error);
    });
    // The pool stops listening before it lends: a connection that breaks with its first message would end the process.
    pool.on?.("connect", (client: unknown) => {
      if (isEmitter(client)) client.on("error", () => undefined);
    });
  }
  listeners.add(onError);
  return () => listeners.delete(onError);
}

function isEmitter(value: unknown): value is Required<Pick<PostgresClient, "on">> {
  return typeof value === "object" && value !== null && "on" in value && typeof value.on === "function";
}

function toRow(row: unknown): Row {
  if (typeof row === "object" && row !== null) return row as Row;
  throw new TypeError(
    "The pool gave a row that is no object. It must answer as pg does: { rows: [{ column: value }] }.",
  );
}
