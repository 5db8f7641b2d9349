// Where answers are kept while they are written: in a folder, or in Postgres where POSTGRES_URL is set.

import { Pool } from "pg";
import { createPgliteResumableStreamContext } from "resumable-stream/pglite";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "resumable-stream/postgres";
import { DEFAULT_SCHEMA } from "resumable-stream/postgres/schema";
import { folder } from "./chats.ts";

async function overPostgres(connectionString: string): Promise<DurableStreamContext> {
  const pool = new Pool({ connectionString });
  await pool.query(DEFAULT_SCHEMA);
  return createPostgresResumableStreamContext({ pool, waitUntil: null });
}

const url = process.env["POSTGRES_URL"];

export const context = url
  ? await overPostgres(url)
  : createPgliteResumableStreamContext({ dataDir: `${folder}/streams`, waitUntil: null });
