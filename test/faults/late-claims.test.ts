// Rows: the store is slow at the start, and answers a claim that its caller has given up; a claim that half of the way takes.

import { Pool } from "pg";
import { createClient } from "redis";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext, type ResumableStreamError } from "../../src/postgres.ts";
import { createResumableStreamContext } from "../../src/redis.ts";
import type { CommonOptions } from "../../src/api/common-options.ts";
import type { ResumableStreamContext } from "../../src/api/types.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { createSlowDatabase, setUpTables } from "../support/postgres-tables.ts";
import { TcpProxy } from "../support/proxy.ts";
import { RedisServer } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

/** What a caller waits for a store that another has waited for, 50 ms at most, and how late a timer of a quiet moment is. */
const IN_TIME_MS = 65;

type PostgresContext = ReturnType<typeof createPostgresResumableStreamContext>;

interface Urls {
  publisher: string;
  subscriber: string;
}

async function overRedis({ publisher, subscriber }: Urls, options: Partial<CommonOptions>) {
  const clients = [createClient({ url: publisher }), createClient({ url: subscriber })] as const;
  for (const client of clients) {
    client.on("error", () => undefined);
    await client.connect();
  }
  const errors: string[] = [];
  const context: ResumableStreamContext = createResumableStreamContext({
    waitUntil: null,
    publisher: clients[0],
    subscriber: clients[1],
    onError: ({ code }) => errors.push(code),
    ...options,
  });
  onTestFinished(async () => {
    await context.close();
    for (const client of clients) client.destroy();
  });
  return { context, errors };
}

test.each(["resumableStream", "createNewResumableStream"] as const)(
  "over Redis, the text of %s that ran without its claim can be followed once that is answered",
  async (call) => {
    await using server = await RedisServer.start();
    const urls = { publisher: server.url, subscriber: server.url };
    const { context } = await overRedis(urls, { claimTimeoutMs: 300, ackTimeoutMs: 300 });
    const other = await overRedis(urls, {});
    server.pause();
    const source = manualSource();
    const reading = read(await context[call]("x", source.makeStream));
    source.push("before ");
    await reading.reached(7);
    server.resume();
    const followed = await until(() => other.context.resumeExistingStream("x"), { what: "the stream" });
    const following = read(followed);
    source.push("after");
    source.end();
    for (const each of [reading, following]) await expectClosed(each, "before after");
    await until(async () => (await other.context.hasExistingStream("x")) === "DONE", { what: "the end" });
  },
);

test("over Redis, a claim that nobody waits for any more leaves the id free (G4)", async () => {
  await using server = await RedisServer.start();
  const urls = { publisher: server.url, subscriber: server.url };
  const { context } = await overRedis(urls, {
    claimTimeoutMs: 300,
    ackTimeoutMs: 300,
    whenUnavailable: "throw",
  });
  server.pause();
  const source = manualSource();
  await expect(context.resumableStream("x", source.makeStream)).rejects.toMatchObject({
    code: "TRANSPORT_UNAVAILABLE",
  });
  server.resume();
  await until(async () => (await context.hasExistingStream("x")) === null, { what: "a free id" });
  expect(source.calls()).toBe(0);
});

test("over Redis, one that took the record, and could not be used, fences the producer that had it (G5)", async () => {
  await using server = await RedisServer.start();
  await using deaf = await TcpProxy.start(server.port);
  const older = await overRedis({ publisher: server.url, subscriber: server.url }, {});
  const newer = await overRedis(
    { publisher: server.url, subscriber: deaf.url },
    { claimTimeoutMs: 300, ackTimeoutMs: 300, whenUnavailable: "throw" },
  );
  const source = manualSource();
  const reading = read(await older.context.createNewResumableStream("x", source.makeStream));
  source.push("text");
  await reading.reached(4);
  deaf.blackHole();
  await expect(newer.context.createNewResumableStream("x", manualSource().makeStream)).rejects.toMatchObject({
    code: "TRANSPORT_UNAVAILABLE",
  });
  await until(() => older.errors.includes("FENCED"), { what: "the older producer to be told" });
  await until(async () => (await older.context.hasExistingStream("x")) === null, { what: "a free id" });
});

test("over Redis, who comes after the first doesn't wait for a server that is away (G16)", async () => {
  await using server = await RedisServer.start();
  const urls = { publisher: server.url, subscriber: server.url };
  const { context, errors } = await overRedis(urls, { claimTimeoutMs: 600, ackTimeoutMs: 600 });
  server.pause();
  const waits: number[] = [];
  for (const id of ["a", "b", "c", "d", "e"]) {
    const startedAt = performance.now();
    const source = manualSource();
    await context.createNewResumableStream(id, source.makeStream);
    waits.push(performance.now() - startedAt);
    source.end();
  }
  const [first = 0, ...later] = waits;
  expect(first).toBeGreaterThan(500);
  for (const wait of later) expect(wait).toBeLessThan(300);
  expect(Math.min(...later)).toBeLessThan(IN_TIME_MS);
  server.resume();
  const source = manualSource();
  await until(async () => (await context.hasExistingStream("none")) === null, { what: "the server" });
  const back = performance.now();
  await context.createNewResumableStream("f", source.makeStream);
  expect(performance.now() - back).toBeLessThan(300);
  expect(await context.hasExistingStream("f")).toBe(true);
  expect(errors.filter((code) => code === "TRANSPORT_UNAVAILABLE").length).toBeGreaterThan(0);
});

test("over Postgres, who comes after the first doesn't wait for a database that is away (G16)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const { port } = new URL(database.url);
  await using proxy = await TcpProxy.start(Number(port));
  const connectionString = Object.assign(new URL(database.url), {
    hostname: "127.0.0.1",
    port: proxy.port,
  }).href;
  const pool = new Pool({ connectionString, max: 6 });
  const options = { pool, waitUntil: null, claimTimeoutMs: 600, onError: () => undefined };
  // A context for each request, as some have it: what one has waited for the others know.
  const contexts = Array.from({ length: 4 }, () => createPostgresResumableStreamContext(options));
  const [context] = contexts as [PostgresContext, ...PostgresContext[]];
  onTestFinished(async () => {
    proxy.cut();
    await Promise.all(contexts.map((each) => each.close()));
    await pool.end();
  });
  expect(await context.hasExistingStream("none")).toBe(null);
  proxy.blackHole();
  const codes = new Set<string>();
  const timed = async (call: () => Promise<unknown>): Promise<number> => {
    const startedAt = performance.now();
    await call().catch((error: unknown) => codes.add((error as ResumableStreamError).code));
    return performance.now() - startedAt;
  };
  const create = (each: PostgresContext, id: string) => async () => {
    const source = manualSource();
    const reading = read(await each.createNewResumableStream(id, source.makeStream));
    source.push("text");
    source.end();
    await expectClosed(reading, "text");
  };
  expect(await timed(create(context, "first"))).toBeGreaterThan(500);
  const calls: Record<string, (each: PostgresContext, index: number) => Promise<unknown>> = {
    // The end of a text that nobody else can follow is its reader's at once.
    create: (each, index) => create(each, `next ${index}`)(),
    resumeExistingStream: (each) => each.resumeExistingStream("some"),
    resumableStream: (each) => each.resumableStream("some", manualSource().makeStream, 0),
    hasExistingStream: (each) => each.hasExistingStream("some"),
    stopStream: (each) => each.stopStream("some"),
  };
  for (const [name, call] of Object.entries(calls)) {
    const waits: number[] = [];
    for (const [index, each] of contexts.entries()) waits.push(await timed(() => call(each, index)));
    expect(Math.max(...waits), name).toBeLessThan(300);
    expect(Math.min(...waits), name).toBeLessThan(IN_TIME_MS);
  }
  expect([...codes]).toEqual(["TRANSPORT_UNAVAILABLE"]);
  proxy.forget();
  proxy.cut();
  const hasIt = () => context.hasExistingStream("none").catch(() => "away");
  await until(async () => (await hasIt()) === null, { what: "the database" });
  const source = manualSource();
  expect(await timed(() => context.createNewResumableStream("d", source.makeStream))).toBeLessThan(300);
  expect(await context.hasExistingStream("d")).toBe(true);
  source.end();
});

/** A database that takes a second for each claim of a new id. */
test("over Postgres, the text that ran without its claim is a stream once that is answered", async () => {
  await using database = await createSlowDatabase(inject("postgresUrl"));
  const over = (options: Partial<CommonOptions>) => {
    const pool = new Pool({ connectionString: database.url, max: 4 });
    const context = createPostgresResumableStreamContext({
      pool,
      waitUntil: null,
      onError: () => undefined,
      ...options,
    });
    onTestFinished(() => context.close().then(() => pool.end()));
    return context;
  };
  const [context, other] = [over({ claimTimeoutMs: 300 }), over({})];
  const source = manualSource();
  const reading = read(await context.resumableStream("x", source.makeStream));
  source.push("before ");
  await reading.reached(7);
  const following = read(
    await until(() => other.resumeExistingStream("x"), { what: "the stream", withinMs: 8_000 }),
  );
  source.push("after");
  source.end();
  for (const each of [reading, following]) await expectClosed(each, "before after");
  // One that has ended by the time of the answer leaves no row that runs.
  const short = manualSource();
  const whole = read(await context.resumableStream("short", short.makeStream));
  short.push("text");
  short.end();
  await expectClosed(whole, "text");
  await until(async () => (await other.hasExistingStream("short")) === "failed", {
    what: "the row to be given up",
  });
});

test("over Postgres, a claim that came too late leaves nothing to hand over: the app has had its text (G15)", async () => {
  await using database = await createSlowDatabase(inject("postgresUrl"));
  const taken: (string | undefined)[] = [];
  const pool = new Pool({ connectionString: database.url, max: 4 });
  const context = createPostgresResumableStreamContext({
    pool,
    waitUntil: null,
    claimTimeoutMs: 300,
    leaseMs: 1_000,
    onError: () => undefined,
    onEnd: ({ generation, text }) => taken.push(`${generation}: ${text}`),
  });
  onTestFinished(async () => {
    await context.close();
    await pool.end();
  });
  const source = manualSource();
  const reading = read(await context.createNewResumableStream("x", source.makeStream));
  source.push("text");
  source.end();
  await expectClosed(reading, "text");
  await until(async () => (await context.hasExistingStream("x").catch(() => null)) === "failed", {
    what: "a lease that lapsed",
  });
  expect(taken).toEqual(["undefined: text"]);
});
