import { setTimeout as pass } from "node:timers/promises";
import { Client } from "pg";
import type { PostgresServer } from "../../test/support/postgres-server.ts";
import { Child } from "../lib/calls.ts";
import { endAll } from "../lib/pair.ts";
import type { Row } from "../lib/row.ts";
import type { PostgresWorker } from "./worker.ts";

export interface PostgresSetting {
  server: PostgresServer;
}

export type PostgresRow = Row<PostgresSetting>;

export interface WorkerPair extends AsyncDisposable {
  producer: Child<PostgresWorker>;
  follower: Child<PostgresWorker>;
}

/** Fresh processes, so that no row pays for what another has left open. */
export async function startWorkers(
  url: string,
  options: { followedFlushIntervalMs?: number } = {},
): Promise<WorkerPair> {
  const [producer, follower] = [await startWorker(url, options), await startWorker(url)];
  return { producer, follower, [Symbol.asyncDispose]: () => endAll(producer, follower) };
}

export async function startWorker(
  url: string,
  options: { followedFlushIntervalMs?: number } = {},
): Promise<Child<PostgresWorker>> {
  const child = await Child.start<PostgresWorker>("postgres/worker.ts");
  await child.call("open", { url, ...options });
  return child;
}

export async function query(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Until that much of a stream is written. */
export async function stored(url: string, { id, units }: { id: string; units: number }): Promise<void> {
  const statement = "select 1 from rs_stream_sessions where stream_id like $1 and last_offset >= $2";
  while ((await query(url, statement, [`%:${id}`, units])).length === 0) await pass(10);
}
