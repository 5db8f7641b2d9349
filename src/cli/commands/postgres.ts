// `postgres setup` and `postgres cleanup`.

import { systemClock } from "../../lib/clock.ts";
import { toError } from "../../transports/postgres/database.ts";
import { cleanUp, type Queryable, setUp } from "../../transports/postgres/setup.ts";
import type { Arguments } from "../args.ts";
import type { Command, World } from "../command.ts";
import { EXIT } from "../exit.ts";
import { openPostgres, tableNames } from "../postgres-client.ts";
import { printable, toJson } from "../print.ts";
import { findPostgres } from "../target.ts";

export const postgresSetup: Command = {
  words: ["postgres", "setup"],
  takesId: false,
  summary: "creates the tables, or upgrades those of an older version and keeps their rows",
  run: async (args, world) => {
    const tables = tableNames(world);
    await withConnection(args, world, (connection) => setUp(connection, tables, systemClock));
    world.print(
      args.isJson
        ? toJson(tables)
        : printable(`The tables ${tables.sessions} and ${tables.chunks} are ready.`),
    );
    return EXIT.done;
  },
};

export const postgresCleanup: Command = {
  words: ["postgres", "cleanup"],
  takesId: false,
  summary: "deletes streams whose retention has passed, in batches, beside live streams",
  run: async (args, world) => {
    const deleted = { sessions: 0, chunks: 0 };
    await withConnection(args, world, async (connection) => {
      try {
        for await (const soFar of cleanUp(connection, tableNames(world))) Object.assign(deleted, soFar);
      } catch (error) {
        throw toError("delete expired streams", error);
      }
    });
    world.print(
      args.isJson
        ? toJson({ streams: deleted.sessions, chunks: deleted.chunks })
        : `Deleted ${deleted.sessions} expired streams and ${deleted.chunks} chunks.`,
    );
    return EXIT.done;
  },
};

async function withConnection(
  args: Arguments,
  world: World,
  use: (connection: Queryable) => Promise<void>,
): Promise<void> {
  const client = await openPostgres(findPostgres(args, world));
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
