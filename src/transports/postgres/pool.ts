// A pool of connections, typed by what we call: `pg`'s Pool 8.x, or anything with its `query` and `connect`.

import type { ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { shared } from "../../lib/shared.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import {
  type Database,
  isServerError,
  lateError,
  type Listening,
  type ListenRequest,
  type Row,
  stateOf,
  toError,
} from "./database.ts";
import { waitForLate } from "./late-answers.ts";
import { createHint } from "./names.ts";
import { outagesOf } from "./outages.ts";
import { quoted } from "./schema.ts";
import { listenTogether } from "./shared-listening.ts";

/** A connection taken from a pool. */
export interface PostgresClient {
  /** Runs one statement. Rows are objects, as `pg` gives them. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Gives it back; with `true` it is closed instead. */
  release(destroy?: boolean): void;
  /** Listens to `notification`, `error` and `end`. Without it, followers poll. */
  on?(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Ends what `on` began. */
  removeListener?(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** `pg`'s Pool, or anything with these methods. */
export interface PostgresPool {
  /** Runs one statement on any connection. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Lends a connection. */
  connect(): Promise<PostgresClient>;
  /** Listens to `error`: connections that break while they are idle. */
  on?(event: string, listener: (...args: unknown[]) => void): unknown;
  /** `max` is how many connections there may be. Of a single one, none is taken to listen. */
  options?: { max?: number | undefined };
}

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

/** How long a late answer is worth a connection. */
const LATE_MS = 30_000;

interface RunOptions<T> {
  pool: PostgresPool;
  clock: Clock;
  timeoutMs: number;
  /** Told what came after the deadline; absent if nothing is worth waiting for. */
  onLate: ((result: T) => void) | undefined;
  /** Told what `onLate` throws. */
  onError: (error: unknown) => void;
}

/**
 * Lends a connection. One that hasn't answered in time is closed rather than given back: nobody can tell when it will,
 * and the pool would run dry of connections that hang.
 */
async function runOn<T>(
  { pool, clock, timeoutMs, onLate, onError }: RunOptions<T>,
  use: (client: PostgresClient) => Promise<T>,
): Promise<T> {
  const what = "ask the database";
  const startedAt = clock.now();
  const client = await connect(pool, { clock, timeoutMs });
  // A connection that breaks says so twice: by its statement, which is heard, and by this event, which has to be.
  const ignore = (): void => undefined;
  client.on?.("error", ignore);
  const giveBack = (isBroken: boolean): void => {
    client.removeListener?.("error", ignore);
    if (isBroken) client.on?.("error", ignore);
    client.release(isBroken);
  };
  const answer = use(client);
  try {
    const leftMs = Math.max(timeoutMs - (clock.now() - startedAt), 1);
    const late = (): Error => new Late(lateError(what, timeoutMs));
    const result = await withDeadline(clock, answer, { timeoutMs: leftMs, late });
    giveBack(false);
    return result;
  } catch (error) {
    if (!(error instanceof Late)) {
      // The server's own answer, however bad, leaves the connection as good as it was.
      giveBack(!isServerError(error));
      throw toError(what, error);
    }
    const stopWaiting = onLate && waitForLate(pool, pool.options?.max);
    if (onLate && stopWaiting) {
      const heard = withDeadline(clock, answer, { timeoutMs: LATE_MS, late: () => error }).then(
        (result) => {
          giveBack(false);
          onLate(result);
        },
        (lost: unknown) => giveBack(!isServerError(lost)),
      );
      background(heard.finally(stopWaiting), onError);
    } else {
      giveBack(true);
    }
    throw error.reason;
  }
}

/** The deadline's own error, apart from what the statement fails with. */
class Late extends Error {
  readonly reason: ResumableStreamError;

  constructor(reason: ResumableStreamError) {
    super(reason.message);
    this.reason = reason;
  }
}

async function connect(
  pool: PostgresPool,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Promise<PostgresClient> {
  const what = "connect to the database";
  let isLate = false;
  const connecting = Promise.resolve()
    .then(() => pool.connect())
    .then((client) => {
      if (isLate) client.release();
      return client;
    });
  try {
    const late = (): Error => lateError(what, timeoutMs);
    return await withDeadline(clock, connecting, { timeoutMs, late });
  } catch (error) {
    isLate = true;
    throw toError(what, error);
  }
}

async function listenOn(
  pool: PostgresPool,
  { channel, clock, onLost, onNotification, timeoutMs }: ListenRequest & { clock: Clock },
): Promise<Listening> {
  const client = await connect(pool, { clock, timeoutMs });
  let isOpen = true;
  const hear = (message: unknown): void => {
    if (isOpen && hasChannel(message) && message.channel === channel) onNotification(message.payload ?? "");
  };
  const lose = (error: unknown): void => {
    if (!isOpen) return;
    isOpen = false;
    client.release(true);
    onLost(error);
  };
  client.on?.("notification", hear);
  client.on?.("error", lose);
  client.on?.("end", lose);
  const query = (text: string): Promise<unknown> =>
    withDeadline(clock, client.query(text), { timeoutMs, late: () => lateError("listen", timeoutMs) });
  try {
    await query(`listen ${quoted(channel)}`);
  } catch (error) {
    if (isOpen) client.release(true);
    isOpen = false;
    throw toError("listen for notifications", error);
  }
  return {
    close: () => {
      // Closed rather than given back: it would go on to hear what nobody listens for.
      if (isOpen) client.release(true);
      isOpen = false;
      return Promise.resolve();
    },
  };
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

function hasChannel(message: unknown): message is { channel: string; payload?: string } {
  return typeof message === "object" && message !== null && "channel" in message;
}
