// What every part of the transport shares.

import { asResumableStreamError, type ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import type { HandOver } from "../../port/hand-over.ts";
import { type Database, isServerError, lateError, type Row } from "./database.ts";
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

export interface PostgresParts {
  settings: PostgresSettings;
  queries: Queries;
  database: Database;
  /** The channel of notifications. */
  channel: string;
  clock: Clock;
  /** Gives the app what has ended; absent: it doesn't want it. */
  handOver?: HandOver | undefined;
  onError: (error: ResumableStreamError) => void;
}

/** Runs a statement within the deadline all of them have. */
export async function run(
  { clock, database, queries, settings }: PostgresParts,
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

/** While the database is away its callers wait no longer than this: one has waited for it already. */
const AWAY_MS = 50;

/**
 * The same for a statement that a caller waits for. It is sent also while the database is away, and runs on when its caller has
 * given up: the first that is answered tells that the database is back. `onLate` is told the rows of an answer that came late.
 */
export async function runForCaller(
  context: PostgresParts,
  name: keyof Queries,
  values: readonly unknown[],
  onLate?: (rows: Row[]) => void,
): Promise<Row[]> {
  const { isAway } = context.database.outages;
  const answer = run(context, name, values, onLate);
  if (!isAway) return answer;
  const late = lateError("ask the database", AWAY_MS);
  try {
    return await withDeadline(context.clock, answer, { timeoutMs: AWAY_MS, late: () => late });
  } catch (error) {
    if (error === late) {
      // A later failure of it is one more sign of the outage that its caller was told of.
      const told = answer.then(onLate, () => undefined);
      background(told, (cause) => {
        const message = "An answer of Postgres that came late could not be used: see cause.";
        context.onError(asResumableStreamError(cause, "TRANSPORT_UNAVAILABLE", message));
      });
    }
    throw error;
  }
}
