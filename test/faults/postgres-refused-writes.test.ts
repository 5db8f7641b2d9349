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
