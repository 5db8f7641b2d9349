// What every part of the transport shares.

import { background } from "../../lib/background.ts";
import type { ResumableStreamError } from "../../port/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
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
  /** Statements on their way. The app may end its pool when its context has closed, which waits for them. */
  running: Set<Promise<unknown>>;
  /** The channel of notifications to producers. */
  channel: string;
  clock: Clock;
  random: Pick<Random, "uuid">;
  /** Gives the app what has ended; absent: it doesn't want it. */
  handOver?: HandOver | undefined;
  onError: (error: ResumableStreamError) => void;
}

/** Streams live by these. */
const VITAL: ReadonlySet<keyof Queries> = new Set(["append", "notify"]);

/** Callers wait for these, and what they are answered doesn't depend on how often they ran: a claim has a name. */
const REPEATABLE: ReadonlySet<keyof Queries> = new Set(["claim", "lastEnd", "read", "status"]);

/** Runs a statement within the deadline all of them have. */
export function run(...request: Parameters<typeof runWithin>): Promise<Row[]> {
  const [{ running }] = request;
  const rows = runWithin(...request);
  running.add(rows);
  const over = (): void => void running.delete(rows);
  rows.then(over, over);
  return rows;
}

async function runWithin(
  { clock, database, queries, settings }: PostgresParts,
  name: keyof Queries,
  values: readonly unknown[],
  {
    isVital = VITAL.has(name),
    repeatedAs = REPEATABLE.has(name) ? values : undefined,
    onLate,
  }: Omit<RunOptions, "timeoutMs"> = {},
): Promise<Row[]> {
  const { outages } = database;
  const sentAt = clock.now();
  try {
    const timeoutMs = settings.statementTimeoutMs;
    const rows = await database.run(queries[name], values, { timeoutMs, onLate, isVital, repeatedAs });
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

/** Sends them, and nobody waits. What is lost costs producers the time to their next heartbeat, and followers that to their next check. */
export function tell(context: PostgresParts, said: readonly Said[]): void {
  background(notify(context, said), () => undefined);
}

/** Runs a statement that a caller waits for. */
export function runForCaller(
  context: PostgresParts,
  name: keyof Queries,
  values: readonly unknown[],
  options?: Pick<RunOptions, "repeatedAs">,
): Promise<Row[]> {
  return sendForCaller(context, () => run(context, name, values, options));
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
