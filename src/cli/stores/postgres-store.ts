// Streams over Postgres: their rows.

import { createContext } from "../../api/context.ts";
import { checkOptions } from "../../api/options.ts";
import { createDurableTransport } from "../../contexts/log.ts";
import { checkPostgresOptions } from "../../contexts/postgres-options.ts";
import { systemClock } from "../../lib/clock.ts";
import { type AdminQueries, createAdminQueries } from "../../transports/postgres/admin-queries.ts";
import { type Row, toError } from "../../transports/postgres/database.ts";
import { createKey } from "../../transports/postgres/names.ts";
import { parseState, toNumber } from "../../transports/postgres/parse.ts";
import { poolDatabase } from "../../transports/postgres/pool.ts";
import { openPool } from "../postgres-client.ts";
import { follow, LastEnd, type Store, type StreamFacts, type StoreOptions } from "./store.ts";

/** Rows a statement lists. */
const BATCH = 500;

interface Parts {
  ask: (query: keyof AdminQueries, values: unknown[]) => Promise<Row[]>;
  keyPrefix: string;
}

export async function openPostgresStore({ url, tables, ...options }: StoreOptions): Promise<Store> {
  const last = new LastEnd();
  const checked = checkOptions({ ...options, waitUntil: null, onEvent: last.onEvent });
  const postgres = checkPostgresOptions(
    { waitUntil: null, sessionTableName: tables.sessions, chunkTableName: tables.chunks },
    checked,
  );
  const pool = await openPool(url);
  const database = poolDatabase({
    pool,
    listenerPool: undefined,
    clock: systemClock,
    onError: () => undefined,
  });
  const transport = createDurableTransport({ checked, postgres, database, hasGrace: true });
  const context = createContext({ transport, options: checked, clock: systemClock });
  const queries = createAdminQueries({ tables, leaseMs: postgres.settings.leaseMs, hasGrace: true });
  const { keyPrefix } = checked;
  const ask: Parts["ask"] = async (query, values) => {
    try {
      return (await pool.query<Row>(queries[query], values)).rows;
    } catch (error) {
      throw toError(`${query} streams`, error);
    }
  };
  return {
    list: () => list({ ask, keyPrefix }),
    show: (streamId) => show({ ask, keyPrefix }, streamId),
    tail: (streamId, from) => follow({ context, transport, last }, { streamId, from }),
    context,
    remove: async (streamId) => void (await ask("remove", [createKey(keyPrefix, streamId)])),
    close: async () => {
      await context.close();
      await pool.end();
    },
  };
}

async function* list({ ask, keyPrefix }: Parts): AsyncGenerator<StreamFacts> {
  const base = `${keyPrefix}:rs`;
  let after: string | null = null;
  for (;;) {
    // The second are ids that Postgres can't hold, by their stand-ins.
    const rows: Row[] = await ask("list", [[`${base}:`, `${base}#`], after, BATCH]);
    for (const row of rows) {
      const key = String(row["stream_id"]);
      after = key;
      const streamId = key.slice(base.length + (key[base.length] === ":" ? 1 : 0));
      const { end, tail } = parseState(row, { isSettling: false, handsOver: false });
      yield { streamId, status: end ?? "running", tail, expiresInSeconds: toExpiry(row) };
    }
    if (rows.length < BATCH) return;
  }
}

async function show({ ask, keyPrefix }: Parts, streamId: string): Promise<StreamFacts | undefined> {
  const [row] = await ask("show", [createKey(keyPrefix, streamId)]);
  if (!row) return undefined;
  const { end, epoch, leaseMs, tail, watchedMs } = parseState(row, { isSettling: false, handsOver: false });
  return {
    streamId,
    status: end ?? "running",
    expiresInSeconds: toExpiry(row),
    tail,
    epoch: epoch || null,
    entries: toNumber(row, "entries"),
    createdAt: toTime(row["created_at"]),
    updatedAt: toTime(row["updated_at"]),
    leaseMs: leaseMs === undefined ? null : Math.round(leaseMs),
    isFollowed: watchedMs > 0,
    isStopRequested: row["is_stop_requested"] === true,
    error: typeof row["error"] === "string" ? row["error"] : null,
  };
}

function toExpiry(row: Row): number | null {
  return row["expires_s"] === null ? null : Math.round(toNumber(row, "expires_s"));
}

function toTime(value: unknown): string | null {
  return value instanceof Date ? value.toISOString() : null;
}
