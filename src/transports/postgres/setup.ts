// Setting the tables up, and deleting what has expired, for the command and for whoever has a connection.

import { backoffMs } from "../../lib/backoff.ts";
import { type Clock, sleep } from "../../lib/clock.ts";
import { stateOf } from "./database.ts";
import { createQueries } from "./queries.ts";
import {
  isForeign,
  isSchemaCurrent,
  type SchemaStep,
  schemaStep,
  schemaSteps,
  type TableNames,
} from "./schema.ts";

/** A connection, or a pool. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** How many streams one statement deletes: few enough that it holds no lock for long. */
const BATCH = 500;

/** How often a step is tried that others' locks are in the way of, or that met another setting up. */
const ATTEMPTS = 15;
const BETWEEN_ATTEMPTS = { firstMs: 200, maxMs: 2_000 };
/**
 * A lock that wasn't to be had in time; a deadlock; an index or table that another made, or an unfinished one that it took away;
 * a row of the catalog that another changed at the same moment, for which there is only the state of internal errors.
 */
const PASSING_STATES = new Set(["55P03", "40P01", "42P07", "42710", "42704", "23505", "XX000"]);

/**
 * Creates the tables or upgrades them, beside streams that run; safe when others do the same at once. Reads the catalog first,
 * and does nothing to tables that are current.
 */
export async function setUp(connection: Queryable, tables: TableNames, clock: Clock): Promise<void> {
  if (await isTrue(connection, isSchemaCurrent(tables))) return;
  await checkTables(connection, tables);
  for (const step of schemaSteps(tables)) {
    for (let attempt = 1; !(await isTrue(connection, step.isDone)); attempt++) {
      try {
        await applyStep(connection, step);
      } catch (error) {
        if (attempt === ATTEMPTS || !PASSING_STATES.has(stateOf(error))) throw error;
        await sleep(clock, backoffMs(attempt, BETWEEN_ATTEMPTS));
      }
    }
  }
}

/** A table of the app's own, whose name was given by mistake, must not be changed. */
async function checkTables(connection: Queryable, { chunks, sessions }: TableNames): Promise<void> {
  if (chunks === sessions) throw new TypeError("The two tables must have different names.");
  for (const [name, columns] of [
    [sessions, ["stream_id", "status", "expires_at", "last_offset"]],
    [chunks, ["stream_id", "seq", "start_offset", "chunk"]],
  ] as const) {
    if (await isTrue(connection, isForeign(name, columns))) {
      throw new TypeError(`The table ${name} is used for something else. Choose another name.`);
    }
  }
}

async function isTrue(connection: Queryable, expression: string): Promise<boolean> {
  const { rows } = await connection.query(`select (${expression}) as is_true`);
  const [row] = rows;
  return typeof row === "object" && row !== null && "is_true" in row && row.is_true === true;
}

async function applyStep(connection: Queryable, step: SchemaStep): Promise<void> {
  for (const statement of step.applyBesideStreams ?? [schemaStep(step)]) await connection.query(statement);
}

export interface CleanedUp {
  sessions: number;
  chunks: number;
}

/** Deletes expired streams in batches, and tells of each what all of them deleted so far. */
export async function* cleanUp(connection: Queryable, tables: TableNames): AsyncGenerator<CleanedUp> {
  const { expire } = createQueries({ tables, leaseMs: 1, hasGrace: false });
  const total: CleanedUp = { sessions: 0, chunks: 0 };
  for (;;) {
    const { rows } = await connection.query(expire, [BATCH]);
    const { sessions, chunks } = parseCounts(rows[0]);
    if (sessions === 0) return;
    total.sessions += sessions;
    total.chunks += chunks;
    yield { ...total };
  }
}

function parseCounts(row: unknown): CleanedUp {
  if (typeof row !== "object" || row === null || !("sessions" in row) || !("chunks" in row)) {
    throw new TypeError(
      "The connection gave no counts. It must answer as pg does: { rows: [{ column: value }] }.",
    );
  }
  return { sessions: Number(row.sessions), chunks: Number(row.chunks) };
}
