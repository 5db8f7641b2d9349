// What dead producers left, and streams of both kinds on one Redis.

import { expect, inject, test } from "vitest";
import type { DurableStreamContext, ResumableStreamContext } from "../../src/api/types.ts";
import { openStore } from "../../src/cli/stores/open-store.ts";
import { createResumableStreamContext } from "../../src/ioredis.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { expectClosed, read, readWhole } from "../../src/testing/reading.ts";
import { createClients } from "../support/clients.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { RedisServer } from "../support/redis-server.ts";
import { run, values } from "./run.ts";

/** A matcher, whose own type says nothing. */
const anyNumber: unknown = expect.any(Number);

test("over Redis, a stream whose producer died is lost", async () => {
  await using server = await RedisServer.start();
  await server.command("SET", "resumable-stream:rs:sentinel:dead", "e123", "EX", "60");
  const listed = await run(["list", "--json", "--url", server.url]);
  expect(values(listed)).toEqual([{ streamId: "dead", status: "lost", expiresInSeconds: anyNumber }]);
  const shown = await run(["show", "dead", "--json", "--url", server.url]);
  expect(values(shown)[0]).toMatchObject({ status: "lost", tail: null });
});

test("over Postgres, a stream whose lease lapsed is lost, and tail prints what it left", async () => {
  await using database: PrivateDatabase = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await database.query(`
    insert into rs_stream_sessions (stream_id, status, epoch, last_offset, lease_expires_at, expires_at)
    values ('resumable-stream:rs:dead', 'streaming', 7, 4, now() - interval '1 s', now() + interval '1 h')`);
  await database.query(`
    insert into rs_stream_chunks (stream_id, epoch, seq, start_offset, end_offset, chunk)
    values ('resumable-stream:rs:dead', 7, 0, 0, 4, 'left')`);
  const env = { POSTGRES_URL: database.url };
  // For one lease after a server's start, producers may still come back.
  await expect
    .poll(async () => values(await run(["show", "dead", "--json"], env))[0], { timeout: 25_000 })
    .toMatchObject({ status: "lost", tail: 4, entries: 1 });
  const tailed = await run(["tail", "dead"], env);
  expect([tailed.code, tailed.stdout]).toEqual([4, "left"]);
  expect(tailed.stderr).toContain("ended badly");
});

interface Contexts extends AsyncDisposable {
  relayed: ResumableStreamContext;
  kept: DurableStreamContext;
}

/** Two apps that share a server and a prefix: one that keeps its text there, one that doesn't. */
async function openContexts(url: string): Promise<Contexts> {
  const { close, ...clients } = await createClients("ioredis-6", url);
  const options = { ...clients, waitUntil: null, onError: () => undefined };
  const relayed = createResumableStreamContext(options);
  const kept = createResumableStreamContext({ ...options, keepText: true });
  const dispose = async (): Promise<void> => {
    await Promise.all([relayed.close(), kept.close()]);
    close();
  };
  return { relayed, kept, [Symbol.asyncDispose]: dispose };
}

test("over Redis that keeps the text, a stream whose lease lapsed is lost, and tail prints what it left", async () => {
  await using server = await RedisServer.start();
  const key = "resumable-stream:rs:{log:dead}";
  const startedAt = 1_700_000_000_000;
  const record = [
    "e",
    String(startedAt * 1_000),
    "n",
    "4",
    "o",
    "0",
    "l",
    "0",
    "t",
    "0",
    "p",
    "",
    "q",
    "",
    "v",
    "",
  ];
  await server.command("HSET", key, ...record);
  await server.command("EXPIRE", key, "3600");
  await server.command("SET", `${key}:tail`, "left", "EX", "3600");
  // For one lease after a server's start, producers may still come back.
  await expect
    .poll(async () => values(await run(["show", "dead", "--json", "--url", server.url]))[0], {
      timeout: 25_000,
    })
    .toEqual({
      streamId: "dead",
      status: "lost",
      isKept: true,
      tail: 4,
      expiresInSeconds: anyNumber,
      epoch: startedAt * 1_000,
      entries: 0,
      memoryBytes: anyNumber,
      createdAt: new Date(startedAt).toISOString(),
      leaseMs: anyNumber,
      isFollowed: false,
      isStopRequested: false,
      handOver: null,
    });
  const tailed = await run(["tail", "dead", "--url", server.url]);
  expect([tailed.code, tailed.stdout]).toEqual([4, "left"]);
  expect(tailed.stderr).toContain("ended badly");
});

test("streams of both kinds on one Redis are listed, and each command takes the kind that is there", async () => {
  await using server = await RedisServer.start();
  await using contexts = await openContexts(server.url);
  const { kept, relayed } = contexts;
  await readWhole(relayed.resumableStream("passed on", sourceOf(["text"])));
  await readWhole(kept.resumableStream("kept", sourceOf(["text"])));
  await readWhole(kept.resumableStream("a}:tail", sourceOf(["x".repeat(20_000)])));
  const env = { REDIS_URL: server.url };
  const listed = values(await run(["list", "--json"], env));
  expect(listed).toHaveLength(3);
  expect(new Map(listed.map(({ isKept, streamId, tail }) => [streamId, [isKept, tail]]))).toEqual(
    new Map([
      ["passed on", [undefined, 4]],
      ["kept", [true, 4]],
      ["a}:tail", [true, 20_000]],
    ]),
  );
  expect(await run(["tail", "kept"], env)).toEqual({ code: 0, stdout: "text", stderr: "" });
  expect((await run(["tail", "passed on"], env)).stderr).toContain("its text is gone");
  const large = values(await run(["show", "a}:tail", "--json"], env))[0];
  expect(Number(large?.["memoryBytes"])).toBeGreaterThan(20_000);
  expect(Number(large?.["memoryBytes"])).toBeLessThan(40_000);
});

test("where an id has a record of each kind, the one that runs is meant, or else the kept one", async () => {
  await using server = await RedisServer.start();
  await using contexts = await openContexts(server.url);
  const { kept, relayed } = contexts;
  const env = { REDIS_URL: server.url };
  await readWhole(kept.resumableStream("a", sourceOf(["kept text"])));
  const source = manualSource();
  const reading = read(await relayed.createNewResumableStream("a", source.makeStream));
  source.push("passed on");
  await reading.reached(9);
  expect((await run(["show", "a", "--json"], env)).stdout).toContain("running");
  expect(await run(["stop", "a"], env)).toMatchObject({ code: 0 });
  await expectClosed(reading, "passed on");
  await expect
    .poll(() => run(["tail", "a"], env), { timeout: 15_000 })
    .toMatchObject({ stdout: "kept text" });

  const later = manualSource();
  const keptReading = read(await kept.createNewResumableStream("a", later.makeStream));
  later.push("more");
  await keptReading.reached(4);
  expect(values(await run(["show", "a", "--json"], env))[0]).toMatchObject({
    status: "running",
    isKept: true,
  });
  expect(await run(["stop", "a"], env)).toMatchObject({ code: 0 });
  await expectClosed(keptReading, "more");
});

test("a kept stream that is removed leaves no key", async () => {
  await using server = await RedisServer.start();
  await using contexts = await openContexts(server.url);
  const { kept } = contexts;
  await readWhole(kept.resumableStream("a", sourceOf(["x".repeat(20_000), "y"])));
  expect((await server.keys()).length).toBe(3);
  const tables = { sessions: "unused", chunks: "unused" };
  const store = await openStore({ kind: "redis", url: server.url }, { tables, onError: () => undefined });
  await store.remove("a");
  await store.close();
  expect(await server.keys()).toEqual([]);
});

test("a user without the right to kept streams gets those that are passed on", async () => {
  await using server = await RedisServer.start();
  await using contexts = await openContexts(server.url);
  const { relayed } = contexts;
  await readWhole(relayed.resumableStream("a", sourceOf(["text"])));
  await server.command(
    "ACL",
    "SETUSER",
    "app",
    "on",
    ">secret",
    "~resumable-stream:rs:sentinel:*",
    "&*",
    "+@all",
  );
  await server.command("ACL", "SETUSER", "app", "~{resumable-stream:rs:sentinel:*");
  const url = server.url.replace("redis://", "redis://app:secret@");
  const args = ["--json", "--url", url, "--key-prefix", "resumable-stream"];
  const [listed, shown] = [await run(["list", ...args]), await run(["show", "a", ...args])];
  expect(listed.stderr + shown.stderr).toBe("");
  for (const outcome of [listed, shown])
    expect(values(outcome)).toMatchObject([{ streamId: "a", status: "done", tail: 4 }]);
});
