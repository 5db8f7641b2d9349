// Connections to Postgres, and the tables that the environment names.

import type { Client, Pool } from "pg";
import { DEFAULT_TABLES, type TableNames } from "../transports/postgres/schema.ts";
import { UsageError } from "./args.ts";
import type { World } from "./command.ts";
import { CONNECT_TIMEOUT_MS } from "./deadline.ts";

/** As long as a cleanup of many streams may take. */
const STATEMENT_TIMEOUT_MS = 60_000;

export function tableNames({ env }: World): TableNames {
  return {
    sessions: env["POSTGRES_SESSION_TABLE"] || DEFAULT_TABLES.sessions,
    chunks: env["POSTGRES_CHUNK_TABLE"] || DEFAULT_TABLES.chunks,
  };
}

/** An open connection. */
export async function openPostgres(connectionString: string): Promise<Client> {
  const pg = await loadPg();
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
  });
  // A connection that breaks while idle is told by the statement that needs it.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** A pool that is known to connect: its own error says more than the transport's, which must not quote a server's. */
export async function openPool(connectionString: string): Promise<Pool> {
  const pg = await loadPg();
  const pool = new pg.Pool({
    connectionString,
    max: 4,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
  });
  pool.on("error", () => undefined);
  try {
    (await pool.connect()).release();
    return pool;
  } catch (error) {
    await pool.end();
    throw error;
  }
}

async function loadPg(): Promise<{ Client: typeof Client; Pool: typeof Pool }> {
  try {
    const { default: pg } = await import("pg");
    return pg;
  } catch (cause) {
    throw new UsageError('Cannot load the "pg" package: run "npm install pg".', { cause });
  }
}
