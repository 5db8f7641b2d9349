// `postgres setup` and `postgres cleanup`.

import { cleanUp, setUp } from "../../transports/postgres/setup.ts";
import { DEFAULT_TABLES, type TableNames } from "../../transports/postgres/schema.ts";
import { type Arguments, UsageError } from "../args.ts";
import type { Command, World } from "../command.ts";

interface Connection {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

export const postgresSetup: Command = {
  words: ["postgres", "setup"],
  summary: "creates the tables, or upgrades those of an older version and keeps their rows",
  run: (args, world) =>
    withConnection(args, world, async (connection) => {
      const tables = tableNames(world);
      await setUp(connection, tables);
      world.print(`The tables ${tables.sessions} and ${tables.chunks} are ready.`);
    }),
};

export const postgresCleanup: Command = {
  words: ["postgres", "cleanup"],
  summary: "deletes streams whose retention has passed, in batches, beside live streams",
  run: (args, world) =>
    withConnection(args, world, async (connection) => {
      const total = { sessions: 0, chunks: 0 };
      for await (const soFar of cleanUp(connection, tableNames(world))) Object.assign(total, soFar);
      world.print(`Deleted ${total.sessions} expired streams and ${total.chunks} chunks.`);
    }),
};

function tableNames({ env }: World): TableNames {
  return {
    sessions: env["POSTGRES_SESSION_TABLE"] || DEFAULT_TABLES.sessions,
    chunks: env["POSTGRES_CHUNK_TABLE"] || DEFAULT_TABLES.chunks,
  };
}

async function withConnection(
  { url }: Arguments,
  { env }: World,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connectionString = url ?? env["POSTGRES_URL"];
  if (!connectionString) throw new UsageError("No database: set POSTGRES_URL, or pass --url.");
  const { default: pg } = await importing(import("pg"));
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
  // A connection that breaks while idle is told by the statement that needs it.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

async function importing<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    throw new UsageError('Cannot load the "pg" package: run "npm install pg".', { cause });
  }
}
