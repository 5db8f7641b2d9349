// Runs once before all tests: makes sure the servers they need can be started, and starts the shared ones.
// A further server gets an entry in `provide` and a `share…` function here.

import type { TestProject } from "vitest/node";
import { buildWorker } from "./process.ts";
import { RedisServer } from "./redis-server.ts";
import { PostgresServer } from "./postgres-server.ts";
import { setUpTables } from "./postgres-tables.ts";
import {
  chromiumBinary,
  ensureBinary,
  natsBinary,
  nginxBinary,
  pgbouncerBinary,
  postgresBinary,
  redisBinary,
} from "./server-binary.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A Redis for suites that neither kill it nor count its commands: `REDIS_URL`, or one of our own. */
    redisUrl: string;
    /** A Postgres with the tables set up, for suites that don't kill it: `POSTGRES_URL`, or one of our own. */
    postgresUrl: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Here and once, since test files run side by side and would all install it.
  ensureBinary(redisBinary);
  ensureBinary(chromiumBinary);
  ensureBinary(postgresBinary);
  ensureBinary(pgbouncerBinary);
  ensureBinary(natsBinary);
  ensureBinary(nginxBinary);
  const [redis, postgres] = await Promise.all([shareRedis(), sharePostgres(), buildWorker()]);
  project.provide("redisUrl", redis.url);
  project.provide("postgresUrl", postgres.url);
  return async () => {
    await Promise.all([redis.stop(), postgres.stop()]);
  };
}

interface SharedServer {
  url: string;
  stop: () => Promise<void>;
}

async function shareRedis(): Promise<SharedServer> {
  const given = process.env["REDIS_URL"];
  if (given !== undefined && given !== "") return { url: given, stop: async () => undefined };
  const server = await RedisServer.start();
  return { url: server.url, stop: () => server.stop() };
}

async function sharePostgres(): Promise<SharedServer> {
  const given = process.env["POSTGRES_URL"];
  const server = given === undefined || given === "" ? await PostgresServer.start() : undefined;
  const url = server?.url ?? given ?? "";
  await setUpTables(url);
  return { url, stop: async () => server?.stop() };
}
