// Where answers are kept while they are written: in Postgres or Redis if its URL is set, or else in a folder.

import { Pool } from "pg";
import { createResumableStreamContext } from "resumable-stream";
import { createPgliteResumableStreamContext } from "resumable-stream/pglite";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "resumable-stream/postgres";
import { DEFAULT_SCHEMA } from "resumable-stream/postgres/schema";
import { folder } from "./chats.ts";

async function overPostgres(connectionString: string): Promise<DurableStreamContext> {
  const pool = new Pool({ connectionString });
  await pool.query(DEFAULT_SCHEMA);
  return createPostgresResumableStreamContext({ pool, waitUntil: null });
}

async function createContext(): Promise<DurableStreamContext> {
  const { POSTGRES_URL, REDIS_URL } = process.env;
  if (POSTGRES_URL) return overPostgres(POSTGRES_URL);
  // Its clients are made from REDIS_URL. Redis keeps the text, also if the process that writes it is killed.
  if (REDIS_URL) return createResumableStreamContext({ waitUntil: null, keepText: true });
  return createPgliteResumableStreamContext({ dataDir: `${folder}/streams`, waitUntil: null });
}

export const context = await createContext();
