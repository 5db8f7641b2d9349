// Setting the tables up, and deleting what has expired, for the command and for whoever has a connection.

import { createQueries } from "./queries.ts";
import { createSchema, type TableNames } from "./schema.ts";

/** A connection, or a pool. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** How many streams one statement deletes: few enough that it holds no lock for long. */
const BATCH = 500;

/** Creates the tables or upgrades them; safe when others do the same at once. */
export async function setUp(connection: Queryable, tables: TableNames): Promise<void> {
  // Without values it travels as one simple query, which is one transaction.
  await connection.query(createSchema(tables));
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
