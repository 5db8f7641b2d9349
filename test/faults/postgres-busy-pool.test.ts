// Row: the app's own queries hold all connections of the pool for longer than a lease. Nobody died, so nobody is lost.

import type { Pool, PoolClient } from "pg";
import { expect, inject, test } from "vitest";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { openProcess, type PostgresProcess } from "../support/postgres-process.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

const LEASE_MS = 2_000;

function open(connectionString: string): PostgresProcess {
  return openProcess(
    { connectionString, max: 3 },
    { leaseMs: LEASE_MS, claimTimeoutMs: LEASE_MS / 2, onError: () => undefined },
  );
}

test.each(["producer", "follower"])(
  "an app that holds the whole pool of the %s for three leases ends no stream (G4, G16)",
  { timeout: 30_000 },
  async (whose) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    await using producing = open(database.url);
    await using following = open(database.url);
    await using watching = open(database.url);
    const source = manualSource();
    const own = read(await producing.context.createNewResumableStream("s", source.makeStream));
    const reading = read(await following.context.resumeExistingStream("s"));
    source.push("text ");
    await reading.reached(5);
    const { pool } = whose === "producer" ? producing : following;
    // All but the one that listens.
    const held = await Promise.all([pool.connect(), pool.connect()]);
    const heldAt = performance.now();
    const answers = new Set<unknown>();
    await until(
      async () => {
        source.push(".");
        answers.add(await watching.context.hasExistingStream("s"));
        return performance.now() - heldAt > 3 * LEASE_MS;
      },
      { what: "three leases" },
    );
    for (const client of held) client.release();
    source.push("the rest");
    source.end();
    await own.ended;
    await expectClosed(reading, own.text());
    expect([...answers]).toEqual([true]);
  },
);

test(
  "nor if the producer's process follows streams of others meanwhile, as every server does (G4, G16)",
  { timeout: 30_000 },
  async () => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    await using serving = open(database.url);
    await using other = open(database.url);
    const source = manualSource();
    const others = manualSource();
    const own = read(await serving.context.createNewResumableStream("s", source.makeStream));
    const othersOwn = read(await other.context.createNewResumableStream("o", others.makeStream));
    const reading = read(await other.context.resumeExistingStream("s"));
    const othersReading = read(await serving.context.resumeExistingStream("o"));
    source.push("text ");
    others.push("text ");
    await Promise.all([reading.reached(5), othersReading.reached(5)]);
    const held = await Promise.all([serving.pool.connect(), serving.pool.connect()]);
    // Another of the app's queries has to wait: it takes whatever comes free.
    const inLine = serving.pool.connect();
    const heldAt = performance.now();
    const answers = new Set<unknown>();
    await until(
      async () => {
        source.push(".");
        others.push(".");
        answers.add(await other.context.hasExistingStream("s"));
        return performance.now() - heldAt > 3 * LEASE_MS;
      },
      { what: "three leases" },
    );
    for (const client of held) client.release();
    (await inLine).release();
    for (const each of [source, others]) {
      each.push("the rest");
      each.end();
    }
    await Promise.all([own.ended, othersOwn.ended]);
    await expectClosed(reading, own.text());
    await expectClosed(othersReading, othersOwn.text());
    expect([...answers]).toEqual([true]);
  },
);

/** Behind a pooler a statement's own notifications come back to whoever sent it, whether or not others would. */
test("a connection isn't proven to listen by what is sent over itself", { timeout: 30_000 }, async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await using producing = open(database.url);
  const source = manualSource();
  await producing.context.createNewResumableStream("s", source.makeStream);
  await using following = openProcess(
    { connectionString: database.url, max: 2 },
    { onError: () => undefined },
  );
  const statements = recordStatements(following.pool);
  const reading = read(await following.context.resumeExistingStream("s"));
  await until(() => statements.some(isProof), { what: "a proof" });

  const held = await following.pool.connect();
  const before = statements.splice(0);
  const backend = before.find(isListen)?.client.processID;
  await database.query("select pg_terminate_backend($1)", [backend]);
  await until(() => statements.some(isListen), { what: "another connection that listens" });
  // The pool has no other for a proof. One that went over it would have been sent by now.
  for (let trip = 0; trip < 20; trip += 1) await held.query("select 1");
  held.release();
  await until(() => statements.some(isProof), { what: "a proof of it" });
  const listening = statements.filter(isListen).map(({ client }) => client);
  expect(statements.filter(({ client }) => listening.includes(client)).filter(isProof)).toHaveLength(0);
  source.push("text");
  source.end();
  await expectClosed(reading, "text");
});

interface Statement {
  client: PoolClient & { processID?: number };
  text: string;
  values: readonly unknown[];
}

function isListen({ text }: Statement): boolean {
  return text.startsWith("listen ");
}

/** By its payload: src/transports/postgres/hints.ts. */
function isProof({ values }: Statement): boolean {
  return values.some((value) => typeof value === "string" && /^p |"p /.test(value));
}

/** Whatever is sent over connections that the pool opens from now on. */
function recordStatements(pool: Pool): Statement[] {
  const statements: Statement[] = [];
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    Object.assign(client, {
      query: (...args: unknown[]) => {
        const [first, values = []] = args as [string | { text: string; values: unknown[] }, unknown[]?];
        const { text, values: given } = typeof first === "string" ? { text: first, values } : first;
        statements.push({ client, text, values: given });
        return query(...args);
      },
    });
  });
  return statements;
}
