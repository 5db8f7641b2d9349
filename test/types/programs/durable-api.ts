// Streams over Postgres, as a user writes them: with a pool of any make, and a route that tells what is left.

import {
  createPostgresResumableStreamContext,
  type CreatePostgresResumableStreamContextOptions,
  type DurableStreamContext,
  type PostgresPool,
} from "resumable-stream/postgres";
import { createPgliteResumableStreamContext } from "resumable-stream/pglite";
import { DEFAULT_CHUNK_TABLE, DEFAULT_SCHEMA, DEFAULT_SESSION_TABLE } from "resumable-stream/postgres/schema";

declare const pool: PostgresPool;

const options: CreatePostgresResumableStreamContextOptions = {
  pool,
  listenerPool: pool,
  waitUntil: null,
  keyPrefix: "app",
  sessionTableName: DEFAULT_SESSION_TABLE,
  chunkTableName: DEFAULT_CHUNK_TABLE,
  leaseMs: 10_000,
  flushIntervalMs: 50,
  pollIntervalMs: 250,
  listenTimeoutMs: 1_000,
};

const streams: DurableStreamContext = createPostgresResumableStreamContext(options);
const embedded: DurableStreamContext = createPgliteResumableStreamContext({
  waitUntil: null,
  dataDir: "data",
});

export async function setUp(): Promise<void> {
  await pool.query(DEFAULT_SCHEMA);
}

export async function left(streamId: string): Promise<ReadableStream<string> | null | undefined> {
  const found: null | true | "DONE" | "failed" = await streams.hasExistingStream(streamId);
  return found === "failed" ? embedded.resumeExistingStream(streamId) : null;
}

// @ts-expect-error -- a pool is named: there is none to be made from the environment.
createPostgresResumableStreamContext({ waitUntil: null });
