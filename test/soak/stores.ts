// The servers a soak runs over, and what is left in them.

import { Client } from "pg";
import { PostgresServer } from "../support/postgres-server.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { RedisServer } from "../support/redis-server.ts";
import type { OpenParams } from "../support/worker-protocol.ts";

export const STORE_KINDS = ["redis", "redis-log", "postgres"] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** Short, so that a soak sees what it left behind go. Longer than a stream has to wait for its last reader. */
export const RETENTION_SECONDS = 10;
const LEASE_MS = 5_000;

export interface Store extends AsyncDisposable {
  keepsText: boolean;
  port: number;
  /** What a process's context is over, by its place, through a proxy's port. */
  params: (slot: number, port: number) => OpenParams;
  kill: () => Promise<void>;
  launch: () => Promise<void>;
  /** What the server holds; flat while the load is, and gone after it. */
  count: () => Promise<Record<string, number>>;
  /** What it holds, by name. */
  list: () => Promise<string[]>;
  /** The most there may be of each without a stream; what isn't named is to be gone. */
  idle: (slots: number) => Record<string, number>;
}

export function openStore(kind: StoreKind): Promise<Store> {
  return kind === "postgres" ? openPostgres() : openRedis(kind);
}

async function openRedis(kind: "redis" | "redis-log"): Promise<Store> {
  const keepsText = kind === "redis-log";
  // A relay's server may forget all that it holds.
  const server = await RedisServer.start({ keep: keepsText ? "disk" : "memory" });
  const kept = { keepText: true, leaseMs: LEASE_MS };
  return {
    keepsText,
    port: server.port,
    params: (slot, port) => ({
      clients: slot % 2 === 0 ? "redis-6" : "ioredis-6",
      url: `redis://127.0.0.1:${port}`,
      options: { retentionSeconds: RETENTION_SECONDS, ...(keepsText && kept) },
    }),
    kill: () => server.kill(),
    launch: () => server.launch(),
    count: async () => {
      const [keys, lasting, channels, clients] = await Promise.all([
        server.keys(),
        server.keysWithoutExpiry(),
        server.pubsubChannels(),
        server.command("CLIENT", "LIST"),
      ]);
      return {
        keys: keys.length,
        lasting: lasting.length,
        channels: channels.length,
        connections: String(clients).trim().split("\n").length - 1,
      };
    },
    list: async () => [
      ...(await server.keys()),
      ...(await server.pubsubChannels()),
      ...String(await server.command("CLIENT", "LIST"))
        .trim()
        .split("\n"),
    ],
    // Each process has two clients.
    idle: (slots) => ({ connections: 2 * slots }),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function openPostgres(): Promise<Store> {
  const server = await PostgresServer.start();
  await setUpTables(server.url);
  return {
    keepsText: true,
    port: server.port,
    params: (_, port) => ({
      clients: "postgres",
      url: server.url.replace(`:${server.port}/`, `:${port}/`),
      options: { retentionSeconds: RETENTION_SECONDS, leaseMs: LEASE_MS },
    }),
    kill: () => server.kill(),
    launch: () => server.launch(),
    count: () => query(server.url, COUNT).then(([counts = {}]) => counts as Record<string, number>),
    list: () => query(server.url, LIST).then((rows) => rows.map((row) => JSON.stringify(row))),
    idle: () => ({}),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

const CLEAN_UP = "delete from rs_stream_sessions where expires_at < now()";
const COUNT = `select (select count(*) from rs_stream_sessions)::int as sessions,
  (select count(*) from rs_stream_chunks)::int as chunks,
  (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid())::int as connections,
  (select count(*) from pg_stat_activity where state like 'idle in transaction%')::int as transactions`;

const LIST = `select stream_id as what, expires_at::text as more from rs_stream_sessions
  union all select state, query from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;

/** After the cleanup that an app runs from cron. */
async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  // A server that dies meanwhile is told by the statement.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query(CLEAN_UP);
    const { rows } = await client.query<Record<string, unknown>>(statement);
    return rows;
  } finally {
    await client.end();
  }
}
