// Row: the database answers what is read, and refuses what is written, for longer than a lease. Nobody died, so nobody is lost.

import { Client } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createChannel } from "../../src/transports/postgres/names.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { openProcess, type PostgresProcess } from "../support/postgres-process.ts";
import { setUpTables, untilLeasesLapse } from "../support/postgres-tables.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";

const LEASE_MS = 1_500;
const ROLE = "writer";

/** As a process of its own, which knows nothing of what the others find. */
async function open(database: PrivateDatabase): Promise<PostgresProcess> {
  const { port, pathname } = new URL(database.url);
  const proxy = await TcpProxy.start(Number(port));
  const process = openProcess(
    { connectionString: `postgres://${ROLE}@127.0.0.1:${proxy.port}${pathname}`, max: 4 },
    { leaseMs: LEASE_MS, claimTimeoutMs: 500, whenUnavailable: "throw", onError: () => undefined },
  );
  onTestFinished(() => process[Symbol.asyncDispose]().then(() => proxy[Symbol.asyncDispose]()));
  return process;
}

/** Whose tables the processes may use, and the server's owner may change. */
async function setUp(): Promise<PrivateDatabase> {
  const database = await createDatabase(inject("postgresUrl"));
  onTestFinished(() => database[Symbol.asyncDispose]());
  await setUpTables(database.url);
  await untilLeasesLapse(database);
  const isThere = `select from pg_roles where rolname = '${ROLE}'`;
  await database.query(
    `do $$ begin if not exists (${isThere}) then create role ${ROLE} login; end if; exception when unique_violation or duplicate_object then null; end $$`,
  );
  await database.query(`grant all on rs_stream_sessions, rs_stream_chunks to ${ROLE}`);
  return database;
}

const full = "could not extend file because the project is full";

test.each([
  {
    how: "has no room for text",
    refuse: [
      `create function refuse() returns trigger language plpgsql as $$ begin raise '${full}' using errcode = '53100'; end $$`,
      "create trigger refuse before insert on rs_stream_chunks for each row execute function refuse()",
    ],
    accept: ["drop trigger refuse on rs_stream_chunks"],
  },
  {
    how: "forbids text",
    refuse: [`revoke insert on rs_stream_chunks from ${ROLE}`],
    accept: [`grant insert on rs_stream_chunks to ${ROLE}`],
  },
  {
    how: "has the text's table locked",
    refuse: ["begin", "lock table rs_stream_chunks in exclusive mode"],
    accept: ["commit"],
  },
  {
    how: "takes read-only transactions alone",
    refuse: [
      `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = '" + ROLE + "'",
    ],
    accept: [
      `do $$ begin execute format('alter database %I reset default_transaction_read_only', current_database()); end $$`,
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = '" + ROLE + "'",
    ],
  },
])(
  "a database that $how for three leases: all have the whole text, and nobody takes it over (G1, G3, G4)",
  { timeout: 40_000 },
  async ({ refuse, accept }) => {
    const database = await setUp();
    const producing = await open(database);
    const following = await open(database);
    const calling = await open(database);
    const [source, other] = [manualSource(), manualSource()];
    const own = read(await producing.context.createNewResumableStream("s", source.makeStream));
    const reading = read(await following.context.resumeExistingStream("s"));
    source.push("before ");
    await reading.reached(7);

    for (const statement of refuse) await database.query(statement);
    const refusedAt = performance.now();
    const answers = new Set<unknown>();
    await until(
      async () => {
        source.push(".");
        answers.add(await calling.context.hasExistingStream("s"));
        return performance.now() - refusedAt > 3 * LEASE_MS;
      },
      { what: "three leases" },
    );
    const call = () => calling.context.resumableStream("s", other.makeStream).catch(() => undefined);
    const called = await call();
    for (const statement of accept) await database.query(statement);
    const late = read(called ?? (await until(call, { what: "an answer" })));
    source.push("the rest");
    source.end();
    await own.ended;
    for (const each of [reading, late]) await expectClosed(each, own.text());
    expect(other.calls()).toBe(0);
    expect([...answers]).toEqual([true]);
  },
);

test(
  "a producer that may not mark its streams either asks nobody to (G16)",
  { timeout: 30_000 },
  async () => {
    const database = await setUp();
    const producing = await open(database);
    const following = await open(database);
    const source = manualSource();
    const own = read(await producing.context.createNewResumableStream("s", source.makeStream));
    const heard = new Client({ connectionString: database.url });
    await heard.connect();
    onTestFinished(() => heard.end());
    let asked = 0;
    heard.on("notification", () => (asked += 1));
    await heard.query(`listen "${createChannel("rs_stream_sessions")}"`);
    await database.query(`revoke update on rs_stream_sessions from ${ROLE}`);

    const reading = read(await following.context.resumeExistingStream("s"));
    await until(() => asked > 0, { what: "a follower that asks" });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(asked).toBeLessThanOrEqual(5);
    await database.query(`grant update on rs_stream_sessions to ${ROLE}`);
    source.push("text");
    source.end();
    await own.ended;
    await expectClosed(reading, "text");
  },
);
