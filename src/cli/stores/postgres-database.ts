// An open database, for commands: what a transport over it is made of, and the statements of those who look after streams.

import { checkOptions } from "../../api/options.ts";
import type { CommonOptions } from "../../api/common-options.ts";
import type { DurableParts } from "../../contexts/log.ts";
import { checkPostgresOptions } from "../../contexts/postgres-options.ts";
import { systemClock } from "../../lib/clock.ts";
import { type AdminQueries, createAdminQueries } from "../../transports/postgres/admin-queries.ts";
import { type Row, toError } from "../../transports/postgres/database.ts";
import { poolDatabase } from "../../transports/postgres/pool.ts";
import { openPool } from "../postgres-client.ts";
import type { StoreOptions } from "./store.ts";

export type Ask = (query: keyof AdminQueries, values: unknown[]) => Promise<Row[]>;

export interface OpenDatabase {
  durable: DurableParts;
  ask: Ask;
  /** Beginnings of what the streams of the prefix are called: the second are ids that Postgres can't hold, by their stand-ins. */
  prefixes: [string, string];
  close: () => Promise<void>;
}

export async function openDatabase({
  url,
  tables,
  ...options
}: StoreOptions & Omit<Partial<CommonOptions>, "onError">): Promise<OpenDatabase> {
  const checked = checkOptions({ ...options, waitUntil: null });
  const postgres = checkPostgresOptions(
    { waitUntil: null, sessionTableName: tables.sessions, chunkTableName: tables.chunks },
    checked,
  );
  const pool = await openPool(url);
  const onError = (): void => undefined;
  const database = poolDatabase({ pool, listenerPool: undefined, clock: systemClock, onError });
  const queries = createAdminQueries({ tables, leaseMs: postgres.settings.leaseMs, hasGrace: true });
  const base = `${checked.keyPrefix}:rs`;
  return {
    durable: { checked, postgres, database, hasGrace: true },
    ask: async (query, values) => {
      try {
        return (await pool.query<Row>(queries[query], values)).rows;
      } catch (error) {
        throw toError("ask the database", error);
      }
    },
    prefixes: [`${base}:`, `${base}#`],
    close: () => pool.end(),
  };
}

/** The app's id of a row's stream; a stand-in, which begins with `#`, for an id that Postgres can't hold. */
export function streamIdOf(key: string, [prefix, standIns]: OpenDatabase["prefixes"]): string {
  return key.startsWith(standIns) ? key.slice(standIns.length - 1) : key.slice(prefix.length);
}
