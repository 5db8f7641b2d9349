// Two pools of a process to one database, one of which is in trouble of its own. The other is well, and its callers are.

import { Pool, type PoolConfig } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { systemRandom } from "../../../src/lib/random.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { outagesOf } from "../../../src/transports/postgres/outages.ts";
import { poolDatabase } from "../../../src/transports/postgres/pool.ts";
import type { Outages } from "../../../src/transports/log/outages.ts";
import { type PostgresParts, run } from "../../../src/transports/postgres/parts.ts";
import { createQueries } from "../../../src/transports/postgres/queries.ts";
import { createDatabase } from "../../support/postgres-database.ts";
import { setUpTables } from "../../support/postgres-tables.ts";
import { TcpProxy } from "../../support/proxy.ts";

const STATEMENT_TIMEOUT_MS = 300;

interface Side {
  pool: Pool;
  outages: Outages;
  /** Undefined, or what the statement failed with. */
  ask: () => Promise<string | undefined>;
}

function openSide(config: PoolConfig): Side {
  const pool = new Pool({ max: 2, ...config });
  pool.on("error", () => undefined);
  onTestFinished(() => (pool.ending ? undefined : pool.end()));
  const database = poolDatabase({
    pool,
    listenerPool: undefined,
    clock: systemClock,
    onError: () => undefined,
  });
  const settings = {
    retentionSeconds: 60,
    leaseMs: 10_000,
    flushIntervalMs: 100,
    followedFlushIntervalMs: 100,
    pollIntervalMs: 250,
  };
  const parts: PostgresParts = {
    settings: { ...settings, listenTimeoutMs: 1_000, statementTimeoutMs: STATEMENT_TIMEOUT_MS },
    queries: createQueries({
      tables: { sessions: "rs_stream_sessions", chunks: "rs_stream_chunks" },
      leaseMs: 10_000,
      hasGrace: true,
    }),
    database,
    running: new Set(),
    channel: "channel",
    clock: systemClock,
    random: systemRandom,
    onError: () => undefined,
  };
  const ask = (): Promise<string | undefined> =>
    run(parts, "status", ["none"]).then(
      () => undefined,
      (error: unknown) => String(error),
    );
  return { pool, outages: database.outages, ask };
}

/** Two pools that lead to one database through one door, and nobody else's. */
async function openScene(config: PoolConfig = {}) {
  const database = await createDatabase(inject("postgresUrl"));
  onTestFinished(() => database[Symbol.asyncDispose]());
  await setUpTables(database.url);
  const proxy = await TcpProxy.start(Number(new URL(database.url).port));
  onTestFinished(() => proxy.stop());
  const url = new URL(database.url);
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  const connectionString = url.href;
  const [sick, well] = [openSide({ connectionString, ...config }), openSide({ connectionString })];
  expect(await Promise.all([sick.ask(), well.ask()])).toEqual([undefined, undefined]);
  return { admin: database.query, proxy, sick, well };
}

function stateOf({ outages: { isAway, isSettling } }: Side) {
  return { isAway, isSettling };
}

const calm = { isAway: false, isSettling: false };

test("a pool that was ended under its streams", async () => {
  const { sick, well } = await openScene();
  await sick.pool.end();
  const answer = await sick.ask();
  expect(stateOf(well)).toEqual(calm);
  expect(answer).toMatch("the pool was ended. Close its contexts first");
  expect(await well.ask()).toBe(undefined);
  expect(stateOf(well)).toEqual(calm);
});

test.each([{}, { connectionTimeoutMillis: 100 }])(
  "a pool whose connections the app has all in use, with %j: contexts over it wait for each other, and no others do",
  async (config) => {
    const { sick, well } = await openScene(config);
    const lent = [await sick.pool.connect(), await sick.pool.connect()];
    const answer = await sick.ask();
    for (const client of lent) client.release();
    expect(stateOf(well)).toEqual(calm);
    expect(answer).toMatch("all connections of the pool are in use");
    expect(outagesOf(sick.pool, systemClock).isAway).toBe(true);
    expect(await sick.ask()).toBe(undefined);
    // Leases that it couldn't renew meanwhile are given the time.
    expect(stateOf(sick)).toEqual({ isAway: false, isSettling: true });
    expect(await well.ask()).toBe(undefined);
    expect(stateOf(well)).toEqual(calm);
  },
);

test("a pool whose role may not log in any more, and one whose database takes no more connections", async () => {
  const { admin, sick, well } = await openScene({ max: 1 });
  const role = `role_${process.pid}`;
  await admin(`create role ${role} nologin`);
  const { host, pathname } = new URL(sick.pool.options.connectionString ?? "");
  const excluded = openSide({ connectionString: `postgres://${role}@${host}${pathname}` });
  expect(await excluded.ask()).toMatch("SQLSTATE 28000");
  await admin(`alter role ${role} login connection limit 0`);
  expect(await excluded.ask()).toMatch("SQLSTATE 53300");
  // Nobody renews a lease over it; others may, over theirs.
  expect(stateOf(excluded)).toEqual({ isAway: true, isSettling: true });
  expect(stateOf(well)).toEqual(calm);
  await admin(`drop role ${role}`);
});

test("a database that answers nobody is away for both", async () => {
  const { proxy, sick, well } = await openScene();
  proxy.blackHole();
  expect(await sick.ask()).toMatch(`no answer within ${STATEMENT_TIMEOUT_MS} ms`);
  expect(well.outages.isAway).toBe(true);
  proxy.forget();
  proxy.cut();
  await expect.poll(() => well.ask()).toBe(undefined);
  expect([sick, well].map(({ outages }) => outages.isAway)).toEqual([false, false]);
  expect([sick, well].map(({ outages }) => outages.isSettling)).toEqual([true, true]);
});

test("a database that refuses connections is away, however many wait in line for one", async () => {
  const { proxy, sick, well } = await openScene();
  await proxy.refuse();
  proxy.cut();
  await expect.poll(() => well.outages.isAway).toBe(false);
  const answers = await Promise.all(Array.from({ length: 6 }, () => sick.ask()));
  expect(new Set(answers.slice(2))).toEqual(new Set([expect.stringMatching(/ECONNREFUSED/)]));
  expect(well.outages.isAway).toBe(true);
  await proxy.accept();
});
