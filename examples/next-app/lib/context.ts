// Where answers are kept while they are written: in a folder, or in Postgres where POSTGRES_URL is set.

import { after } from "next/server";
import { Pool } from "pg";
import { createPgliteResumableStreamContext } from "resumable-stream/pglite";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "resumable-stream/postgres";
import { DEFAULT_SCHEMA } from "resumable-stream/postgres/schema";
import { folder } from "./chats.ts";

async function overPostgres(connectionString: string): Promise<DurableStreamContext> {
  const pool = new Pool({ connectionString });
  await pool.query(DEFAULT_SCHEMA);
  return createPostgresResumableStreamContext({ pool, waitUntil: after });
}

const url = process.env["POSTGRES_URL"];

const open = async (): Promise<DurableStreamContext> =>
  // `after` keeps the function alive until the answer is written, also if its reader has left.
  url
    ? overPostgres(url)
    : createPgliteResumableStreamContext({ dataDir: `${folder}/streams`, waitUntil: after });

// On the global object: Next.js bundles instrumentation.ts apart from the routes.
const shared: { context?: Promise<DurableStreamContext> } = globalThis as object;
export const context = await (shared.context ??= open());

/** What useChat wants to see. */
export const headers = { "x-vercel-ai-ui-message-stream": "v1" };

/** A stopped answer says so: without it useChat takes a stop for an end, and sends what is queued. */
export const atEnd = (end: string): string =>
  end === "stopped" ? `data: ${JSON.stringify({ type: "finish", finishReason: "interrupted" })}\n\n` : "";
