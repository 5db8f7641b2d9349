// What every part of the transport shares.

import type { ResumableStreamError } from "../../port/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { HandOver } from "../../port/hand-over.ts";
import { forCaller } from "../log/for-caller.ts";
import { READ_ONLY } from "./fragments.ts";
import { type Database, isServerError, lateError, type Row, type RunOptions } from "./database.ts";
import type { Said } from "./hints.ts";
import type { Queries } from "./queries.ts";

export interface PostgresSettings {
  retentionSeconds: number;
  leaseMs: number;
  flushIntervalMs: number;
  followedFlushIntervalMs: number;
  pollIntervalMs: number;
  listenTimeoutMs: number;
  /** How long any statement may take. */
  statementTimeoutMs: number;
}

export interface PostgresParts {
  settings: PostgresSettings;
  queries: Queries;
  database: Database;
  /** The channel of notifications to producers. */
  channel: string;
  clock: Clock;
  /** Gives the app what has ended; absent: it doesn't want it. */
  handOver?: HandOver | undefined;
  onError: (error: ResumableStreamError) => void;
}

/** Streams live by these. */
const VITAL: ReadonlySet<keyof Queries> = new Set(["append", "notify"]);

/** Runs a statement within the deadline all of them have. */
export async function run(
  { clock, database, queries, settings }: PostgresParts,
  name: keyof Queries,
  values: readonly unknown[],
  { isVital = VITAL.has(name), onLate }: Omit<RunOptions, "timeoutMs"> = {},
): Promise<Row[]> {
  const { outages } = database;
  const sentAt = clock.now();
  try {
    const timeoutMs = settings.statementTimeoutMs;
    const rows = await database.run(queries[name], values, { timeoutMs, onLate, isVital });
    outages.succeeded();
    if (rows.some(({ status }) => status === READ_ONLY)) outages.reconnected();
    return rows;
  } catch (error) {
    if (!isServerError(error instanceof Error ? error.cause : error)) outages.failed(sentAt, error);
    throw error;
  }
}

/** Sends notifications, each a channel and a payload. */
export async function notify(
  context: PostgresParts,
  said: readonly Said[],
  options?: { isVital: boolean },
): Promise<void> {
  if (said.length > 0) await run(context, "notify", [JSON.stringify(said)], options);
}

/** The same for a statement that a caller waits for. */
export function runForCaller(
  context: PostgresParts,
  name: keyof Queries,
  values: readonly unknown[],
): Promise<Row[]> {
  return sendForCaller(context, () => run(context, name, values));
}

/** Anything that a caller waits for. `onLate` is told an answer that came when its caller had given up. */
export function sendForCaller<T>(
  { clock, database: { outages }, onError }: PostgresParts,
  send: () => Promise<T>,
  onLate?: (answer: T) => void,
): Promise<T> {
  const late = (timeoutMs: number): ResumableStreamError => lateError("ask the database", timeoutMs);
  return forCaller(send, { clock, outages, late, onLate, onError });
}
