// A pool as the log's database: each statement on a connection that it lends.

import { shared } from "../../lib/shared.ts";
import type { Clock } from "../../lib/clock.ts";
import {
  type Database,
  isServerError,
  type Listening,
  type ListenRequest,
  type Row,
  stateOf,
} from "./database.ts";
import { connectionsFor } from "./late-answers.ts";
import { runOn } from "./lent-connection.ts";
import { openListeningConnection } from "./listening-connection.ts";
import { createHint } from "./names.ts";
import { outagesOf } from "./outages.ts";
import type { PostgresClient, PostgresPool } from "./pool-port.ts";
import { poolTroubleOf } from "./pool-trouble.ts";
import { listeningOver, listenTogether } from "./shared-listening.ts";
import { watchPools } from "./watched-pools.ts";

export interface PoolDatabaseOptions {
  pool: PostgresPool;
  listenerPool: PostgresPool | undefined;
  clock: Clock;
  onError: (error: unknown) => void;
}

export function poolDatabase({ pool, listenerPool, clock, onError }: PoolDatabaseOptions): Database {
  const outages = outagesOf(pool, clock);
  // With one connection in all, a listener would leave none to work with.
  const isAlone = listenerPool === undefined && pool.options?.max === 1;
  const use = watchPools([pool, listenerPool ?? pool], (error) => {
    // The connections of a pool break all at once, and each says so; writes that fail next are the same outage.
    if (outages.isNews("TRANSPORT_UNAVAILABLE")) onError(error);
  });
  const connections = connectionsFor(pool, listenerPool);
  return {
    outages,
    run: async (statement, values, { timeoutMs, onLate, isVital, repeatedAs }) => {
      const stopUsing = use();
      const startedAt = clock.now();
      let isSent = false;
      let sent = values;
      const runsOn = async (client: PostgresClient): Promise<Row[]> => {
        isSent = true;
        const { rows } = await sendUntilItRan(client, { pool, statement, values: [...sent] });
        return rows.map(toRow);
      };
      const ours = isVital && poolTroubleOf(pool) === "busy" ? listeningOver(pool) : undefined;
      try {
        if (ours) return await ours.run(runsOn, timeoutMs);
        // Idle connections that died without a word are found out one by one.
        for (let left = pool.idleCount || 1; ; left--) {
          isSent = false;
          try {
            return await runOn({ pool, clock, timeoutMs, startedAt, connections, onLate, onError }, runsOn);
          } catch (error) {
            if (left <= 0 || !repeatedAs || !isSent || !isBroken(error)) throw error;
            sent = repeatedAs;
          }
        }
      } catch (error) {
        // A server that takes no connection is away, whatever it answers: nobody can renew a lease over none.
        if (!isSent) outages.failed(startedAt, error);
        throw error;
      } finally {
        stopUsing();
      }
    },
    listen: isAlone
      ? undefined
      : (request) => listenWhileUsing(request, { from: listenerPool ?? pool, clock, use }),
    isClosed: () => poolTroubleOf(pool) === "ended",
    close: () => Promise.resolve(),
  };
}

async function listenWhileUsing(
  request: ListenRequest,
  { from, clock, use }: { from: PostgresPool; clock: Clock; use: () => () => void },
): Promise<Listening> {
  const stopUsing = use();
  const onLost = (error: unknown): void => {
    stopUsing();
    request.onLost(error);
  };
  try {
    const { timeoutMs } = request;
    const listening = await listenTogether(from, { ...request, onLost }, (heard) =>
      openListeningConnection(from, { ...heard, clock, timeoutMs }),
    );
    return {
      ...listening,
      close: () => {
        stopUsing();
        return listening.close();
      },
    };
  } catch (error) {
    stopUsing();
    throw error;
  }
}

/** Whether a connection broke under its statement. One that only gave no answer in time has no cause. */
function isBroken(error: unknown): boolean {
  return error instanceof Error && error.cause !== undefined && !isServerError(error.cause);
}

/** Pools behind a pooler that hands each statement to another backend, which knows no statement prepared before. */
const unprepared = shared("unprepared-pools.1", () => new WeakSet<PostgresPool>());
/** SQLSTATEs of a prepared statement that a backend doesn't have, or has already. */
const PREPARED_STATES = new Set(["26000", "42P05"]);

/** Answers as the server writes them: an app has its pool make of numbers, text and booleans what it likes. */
const AS_TEXT = { getTypeParser: () => (value: string) => value };

/**
 * Prepared on `pg`'s own clients: planning would take as long again as the statement. Where backends change under a
 * connection that fails before it does anything, and is sent as it is from then on.
 */
async function send(
  client: PostgresClient,
  { pool, statement, values }: { pool: PostgresPool; statement: string; values: unknown[] },
): Promise<{ rows: unknown[] }> {
  if (!isPgClient(client)) return client.query(statement, values);
  const query = { text: statement, values, types: AS_TEXT };
  if (unprepared.has(pool)) return client.query(query);
  try {
    return await client.query({ ...query, name: createHint(statement) });
  } catch (error) {
    if (!PREPARED_STATES.has(stateOf(error))) throw error;
    unprepared.add(pool);
    return client.query(query);
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
  query(query: {
    name?: string;
    text: string;
    values: unknown[];
    types: typeof AS_TEXT;
  }): Promise<{ rows: unknown[] }>;
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** By what a JavaScript client of `pg` keeps of its prepared statements. */
function isPgClient(client: PostgresClient): client is PgClient {
  if (!("connection" in client)) return false;
  const { connection } = client;
  return typeof connection === "object" && connection !== null && "parsedStatements" in connection;
}

function toRow(row: unknown): Row {
  if (typeof row === "object" && row !== null) return row as Row;
  throw new TypeError(
    "The pool gave a row that is no object. It must answer as pg does: { rows: [{ column: value }] }.",
  );
}
