// What streams cost Postgres, by the server's own counters (G8), and how many round trips a resume waits for.

import { setTimeout as pass } from "node:timers/promises";
import { Client } from "pg";
import { expect, test, vi } from "vitest";
import type { CreatePostgresResumableStreamContextOptions } from "../../src/postgres.ts";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { read, readWhole, until } from "../../src/testing/reading.ts";
import { openProcess, type PostgresProcess } from "../support/postgres-process.ts";
import { PostgresServer } from "../support/postgres-server.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { TcpProxy } from "../support/proxy.ts";
import { SpecifiedSource } from "../support/source.ts";

/** A backend tells its counters when it has been idle for so long, or with its next statement after a second. */
const COUNTERS_LAG_MS = 11_000;

function open(
  url: string,
  options: Partial<CreatePostgresResumableStreamContextOptions> = {},
): PostgresProcess {
  return openProcess({ connectionString: url, idleTimeoutMillis: 0 }, options);
}

/** Whose counters are one test's alone. */
async function startServer(): Promise<PostgresServer> {
  const server = await PostgresServer.start({ settings: ["autovacuum=off"] });
  await setUpTables(server.url);
  return server;
}

async function counters(url: string): Promise<{ transactions: number; walBytes: number }> {
  await pass(COUNTERS_LAG_MS);
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ transactions: string; wal: string }>(
    `select xact_commit + xact_rollback as transactions, pg_current_wal_insert_lsn() - '0/0' as wal
     from pg_stat_database where datname = current_database()`,
  );
  await client.end();
  return { transactions: Number(rows[0]?.transactions), walBytes: Number(rows[0]?.wal) };
}

async function walBytes(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ wal: string }>("select pg_current_wal_insert_lsn() - '0/0' as wal");
  await client.end();
  return Number(rows[0]?.wal);
}

test.concurrent(
  "a stream nobody follows costs a transaction a tick, and a few bytes of WAL a character",
  { timeout: 60_000 },
  async () => {
    await using server = await startServer();
    await using process = open(server.url);
    const { context } = process;
    const source = new SpecifiedSource({ label: "x", chunks: 1_000, everyMs: 5, chunkLength: 8 });
    await readWhole(context.resumableStream(freshId(), sourceOf(["warm"])));
    const before = await counters(server.url);
    const text = await readWhole(context.resumableStream(freshId(), source.make));
    const after = await counters(server.url);
    expect((after.transactions - before.transactions) / 1_000).toBeLessThanOrEqual(0.25);
    expect((after.walBytes - before.walBytes) / text.length).toBeLessThanOrEqual(30);
  },
);

test(
  "text that is followed at a model's pace costs a transaction per chunk, and 60 bytes of WAL per character",
  { timeout: 30_000 },
  async () => {
    await using server = await startServer();
    await using producing = open(server.url);
    await using following = open(server.url);
    const chunks = 100;
    const source = new SpecifiedSource({ label: "x", chunks, everyMs: 50, chunkLength: 5 });
    // The first change of a page after a checkpoint writes all of it.
    await readWhole(producing.context.resumableStream(freshId(), sourceOf(["warm"])));
    const id = freshId();
    const before = await walBytes(server.url);
    const statements = vi.spyOn(Client.prototype, "query");
    const primary = read(await producing.context.createNewResumableStream(id, source.make));
    const follower = read(await following.context.resumeExistingStream(id));
    await Promise.all([primary.ended, follower.ended]);
    const sent = statements.mock.calls.length;
    statements.mockRestore();
    const wal = (await walBytes(server.url)) - before;
    expect(follower.text()).toBe(primary.text());
    expect(sent / chunks).toBeLessThanOrEqual(1.2);
    expect(wal / follower.text().length).toBeLessThanOrEqual(60);
  },
);

test.concurrent(
  "20 idle followers and their producer cost half a transaction per second",
  { timeout: 60_000 },
  async () => {
    await using server = await startServer();
    await using producing = open(server.url);
    await using following = open(server.url);
    const id = freshId();
    const source = manualSource();
    const primary = read(await producing.context.createNewResumableStream(id, source.makeStream));
    const followers = await Promise.all(
      Array.from({ length: 20 }, async () => read(await following.context.resumeExistingStream(id))),
    );
    source.push("text");
    for (const follower of followers) await follower.reached(4);
    // The counters' lag is the silence after which checks are rare.
    const before = await counters(server.url);
    const startedAt = performance.now();
    await pass(12_000);
    const after = await counters(server.url);
    const seconds = (performance.now() - startedAt) / 1000;
    // Of our own there are the first look, its connection's start and the second's.
    const transactions = after.transactions - before.transactions - 3;
    // A check per 8 to 10 s, a heartbeat per 3.3 s, a mark per 30 s; the last of each may lie on the edge.
    expect(transactions).toBeLessThanOrEqual(0.5 * seconds + 2);
    source.end();
    await Promise.all([primary, ...followers].map(({ ended }) => ended));
  },
);

test("a producer writes what it gathers as soon as somebody follows", async () => {
  await using server = await startServer();
  await using following = open(server.url);
  const gathering = manualSource();
  // It would gather, and not look at its row, for longer than the test may take.
  await using producing = open(server.url, { flushIntervalMs: 60_000, leaseMs: 600_000 });
  const id = freshId();
  const primary = read(await producing.context.createNewResumableStream(id, gathering.makeStream));
  const follower = read(await following.context.resumeExistingStream(id));
  gathering.push("text");
  await follower.reached(4);
  expect(follower.text()).toBe("text");
  gathering.end();
  await Promise.all([primary.ended, follower.ended]);
});

test("claims of one turn travel together, and all of a thousand become streams", async () => {
  await using server = await startServer();
  await using proxy = await TcpProxy.start(server.port, { toServerMs: 20, toClientMs: 20 });
  await using far = open(server.url.replace(`:${server.port}/`, `:${proxy.port}/`));
  const sources = Array.from({ length: 1_000 }, () => manualSource());
  const readings = await Promise.all(
    sources.map(async (source, n) => {
      source.push("text");
      return read(await far.context.createNewResumableStream(`chat-${n}`, source.makeStream));
    }),
  );
  await using near = open(server.url);
  const count = "select count(*)::int as n from rs_stream_sessions where last_offset = 4";
  await until(async () => expect((await near.pool.query<{ n: number }>(count)).rows).toEqual([{ n: 1_000 }]));
  for (const source of sources) source.end();
  await Promise.all(readings.map(({ ended }) => ended));
  // One statement for a hundred of them: the epochs' clock is each row's, `created_at` is a transaction's.
  const claimed = "select count(distinct created_at)::int as n from rs_stream_sessions";
  expect((await near.pool.query<{ n: number }>(claimed)).rows).toEqual([{ n: 10 }]);
});

test("the first byte of a resume takes one round trip", async () => {
  await using server = await startServer();
  await using near = open(server.url);
  const { context, pool } = near;
  const id = freshId();
  const source = manualSource();
  const primary = read(await context.createNewResumableStream(id, source.makeStream));
  source.push("text");
  const row = "select 1 from rs_stream_sessions where stream_id = $1 and last_offset = 4";
  await until(async () =>
    expect((await pool.query(row, [`resumable-stream:rs:${id}`])).rows).toHaveLength(1),
  );
  await using proxy = await TcpProxy.start(server.port, { toServerMs: 100, toClientMs: 100 });
  await using far = open(server.url.replace(`:${server.port}/`, `:${proxy.port}/`));
  await Promise.all([1, 2, 3].map(() => far.context.hasExistingStream(id)));

  const startedAt = performance.now();
  const follower = read(await far.context.resumeExistingStream(id));
  await follower.reached(4);
  const tookMs = performance.now() - startedAt;

  // One is 200 ms, two would be 400.
  expect(tookMs).toBeLessThan(390);
  source.end();
  await Promise.all([primary.ended, follower.ended]);
});
