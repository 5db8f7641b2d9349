// Options of a context over Postgres, their defaults and checks.

import type { PostgresSettings } from "../transports/postgres/parts.ts";
import { DEFAULT_TABLES, type TableNames } from "../transports/postgres/schema.ts";
import type { PostgresPool } from "../transports/postgres/pool-port.ts";
import { type CheckedOptions, flag, notNegative, positive } from "../api/options.ts";
import type { CommonOptions } from "../api/common-options.ts";

/**
 * A write of text that somebody follows, its notification and a read are three transactions: so far apart, 20 chunks per second
 * cost one for each.
 */
export const FOLLOWED_FLUSH_INTERVAL_MS = 150;

/** Options that contexts over any kind of Postgres take. Durations are milliseconds above 0. */
export interface PostgresStoreOptions extends CommonOptions {
  /** The table of streams, optionally qualified by its schema. @defaultValue "rs_stream_sessions" */
  sessionTableName?: string;
  /** The table of their text, optionally qualified by its schema. @defaultValue "rs_stream_chunks" */
  chunkTableName?: string;
  /**
   * How long a producer that says nothing counts as alive. After that its stream is `"failed"`, to every reader at once. At least
   * twice `claimTimeoutMs`, after which a write is repeated. @defaultValue 10000
   */
  leaseMs?: number;
  /** For how long text gathers before it is written, while nobody follows in another process. @defaultValue 250 */
  flushIntervalMs?: number;
  /**
   * How far apart writes of text that somebody follows are at least, in milliseconds. After a silence text is written at once;
   * 0: always, for up to three transactions per chunk. An end never waits. @defaultValue 150, or `flushIntervalMs` if that is less
   */
  followedFlushIntervalMs?: number;
  /**
   * Whether `resumeExistingStream` gives the text of a stream that is done or stopped as well, from the position on, and then
   * its end: for as long as `retentionSeconds` keeps it. Without it such a stream is `null`. @defaultValue false
   */
  replay?: boolean;
  /** How often followers look for text, in milliseconds, if notifications don't reach them. @defaultValue 250 */
  pollIntervalMs?: number;
  /** How long a notification of our own may take before the connection it was sent over counts as deaf. @defaultValue 1000 */
  listenTimeoutMs?: number;
}

/** Options of a context over a Postgres server. */
export interface CreatePostgresResumableStreamContextOptions extends PostgresStoreOptions {
  /** `pg`'s Pool 8.x, or anything with its `query` and `connect`. Never ended by us. */
  pool: PostgresPool;
  /** Where the one connection that listens for notifications is taken from. @defaultValue `pool` */
  listenerPool?: PostgresPool;
}

export interface CheckedPostgresOptions {
  replays: boolean;
  settings: PostgresSettings;
  tables: TableNames;
}

export function checkPostgresOptions(
  options: PostgresStoreOptions,
  { claimTimeoutMs, retentionSeconds }: CheckedOptions,
): CheckedPostgresOptions {
  const flushIntervalMs = positive("flushIntervalMs", options.flushIntervalMs, 250);
  return {
    replays: flag("replay", options.replay),
    settings: {
      retentionSeconds,
      leaseMs: positive("leaseMs", options.leaseMs, 10_000),
      flushIntervalMs,
      followedFlushIntervalMs: notNegative(
        "followedFlushIntervalMs",
        options.followedFlushIntervalMs,
        Math.min(FOLLOWED_FLUSH_INTERVAL_MS, flushIntervalMs),
      ),
      pollIntervalMs: positive("pollIntervalMs", options.pollIntervalMs, 250),
      listenTimeoutMs: positive("listenTimeoutMs", options.listenTimeoutMs, 1_000),
      statementTimeoutMs: claimTimeoutMs,
    },
    tables: {
      sessions: tableName("sessionTableName", options.sessionTableName, DEFAULT_TABLES.sessions),
      chunks: tableName("chunkTableName", options.chunkTableName, DEFAULT_TABLES.chunks),
    },
  };
}

export function checkPool(name: string, pool: unknown): void {
  const hasMethods =
    typeof pool === "object" &&
    pool !== null &&
    "query" in pool &&
    typeof pool.query === "function" &&
    "connect" in pool &&
    typeof pool.connect === "function";
  // A single client of `pg` has both methods, and lends nothing.
  const isClient = hasMethods && "processID" in pool;
  if (hasMethods && !isClient) return;
  const got = isClient ? "a Client: make a Pool" : pool === null ? "null" : typeof pool;
  throw new TypeError(`${name} must be a pool with query and connect, as pg's Pool has, got ${got}.`);
}

function tableName(name: string, value: unknown, defaultValue: string): string {
  if (value === undefined) return defaultValue;
  if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
  throw new TypeError(
    `${name} must be the name of a table, got ${value === "" ? "an empty string" : typeof value}.`,
  );
}
