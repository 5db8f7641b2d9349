// Commands end, whatever a server does.

import { randomUUID } from "node:crypto";
import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { openStore } from "../../src/cli/stores/open-store.ts";
import { DEFAULT_CHUNK_TABLE, DEFAULT_SESSION_TABLE } from "../../src/postgres-schema.ts";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import type { DurableStreamContext } from "../../src/api/types.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { read, readWhole } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";
import { Running, run } from "./run.ts";

function openContext(keyPrefix: string): DurableStreamContext {
  const pool = new Pool({ connectionString: inject("postgresUrl") });
  const context = createPostgresResumableStreamContext({ pool, keyPrefix, waitUntil: null });
  onTestFinished(() => context.close().then(() => pool.end()));
  return context;
}

test(
  "tail is interrupted within seconds though its server has gone silent",
  { timeout: 40_000 },
  async () => {
    const keyPrefix = `cli-${randomUUID()}`;
    const url = new URL(inject("postgresUrl"));
    await using proxy = await TcpProxy.start(Number(url.port));
    const source = manualSource();
    read(await openContext(keyPrefix).createNewResumableStream("chat", source.makeStream));
    source.push("so far\n");
    url.port = String(proxy.port);
    await using tail = new Running(["tail", "chat", "--key-prefix", keyPrefix, "--url", url.href]);
    await tail.printed("so far");
    proxy.blackHole();
    tail.interrupt();
    expect(await tail.exited()).toBe(130);
  },
);

test("doctor ends where the server lends one connection only, and says so", { timeout: 40_000 }, async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const role = `single_${Date.now().toString(36)}`;
  await database.query(`create role ${role} login connection limit 1`);
  const url = Object.assign(new URL(database.url), { username: role });
  const { code, stdout } = await run(["doctor", "--url", url.href]);
  await database.query(`drop role ${role}`);
  expect(code).toBeGreaterThan(0);
  expect(stdout).toMatch(/connect/);
});

test("a kept text whose id is produced anew ends as lost, and never goes on with the new one (G1)", async () => {
  const keyPrefix = `cli-${randomUUID()}`;
  const context = openContext(keyPrefix);
  const produce = async (letter: string): Promise<void> => {
    await readWhole(context.createNewResumableStream("chat", sourceOf([letter.repeat(200_000)])));
    await until(async () => (await context.hasExistingStream("chat")) === "DONE", { what: "the end" });
  };
  await produce("a");
  const tables = { sessions: DEFAULT_SESSION_TABLE, chunks: DEFAULT_CHUNK_TABLE };
  const target = { kind: "postgres", url: inject("postgresUrl") } as const;
  const store = await openStore(target, { keyPrefix, tables, onError: () => undefined });
  onTestFinished(() => store.close());
  const kept = await store.tail("chat", 0);
  if (kept.status !== "text") throw new Error("There is no text.");
  const reader = kept.stream.getReader();
  expect((await reader.read()).value).toMatch(/^a+$/);
  await produce("b");
  expect(await reader.read()).toEqual({ done: true, value: undefined });
  expect(kept.end()).toBe("lost");
});
