// What every part of the transport shares.

import type { ResumableStreamError } from "../../api/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Database, isServerError, type Row } from "./database.ts";
import type { Queries } from "./queries.ts";

export interface PostgresSettings {
  retentionSeconds: number;
  leaseMs: number;
  flushIntervalMs: number;
  pollIntervalMs: number;
  listenTimeoutMs: number;
  /** How long any statement may take. */
  statementTimeoutMs: number;
}

export interface PostgresContext {
  settings: PostgresSettings;
  queries: Queries;
  database: Database;
  /** The channel of notifications. */
  channel: string;
  clock: Clock;
  onError: (error: ResumableStreamError) => void;
}

/** Runs a statement within the deadline all of them have. */
export async function run(
  { clock, database, queries, settings }: PostgresContext,
  name: keyof Queries,
  values: readonly unknown[],
  onLate?: (rows: Row[]) => void,
): Promise<Row[]> {
  const { outages } = database;
  const sentAt = clock.now();
  try {
    const rows = await database.run(queries[name], values, settings.statementTimeoutMs, onLate);
    outages.succeeded();
    return rows;
  } catch (error) {
    if (!isServerError(error instanceof Error ? error.cause : error)) outages.failed(sentAt);
    throw error;
  }
}
