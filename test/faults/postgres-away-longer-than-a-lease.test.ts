// Row: the database is away for longer than a lease. Nobody died, so nobody is lost, and nobody gets a part for the whole.

import { Client, Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { type ManualSource, manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read, type Reading } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { PostgresServer } from "../support/postgres-server.ts";
import { setUpTables, untilLeasesLapse } from "../support/postgres-tables.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";

const LEASE_MS = 1_500;

function over(url: string): DurableStreamContext {
  const pool = new Pool({ connectionString: url, max: 4 });
  const context = createPostgresResumableStreamContext({
    pool,
    waitUntil: null,
    leaseMs: LEASE_MS,
    claimTimeoutMs: 1_000,
    // A call that gets no answer in time is made again, and doesn't run by itself.
    whenUnavailable: "throw",
    onError: () => undefined,
  });
  onTestFinished(() => context.close().then(() => pool.end()));
  return context;
}

interface Survivors {
  own: Reading;
  reading: Reading;
  source: ManualSource;
  /** Asks for the stream, and may take it over. */
  calling: DurableStreamContext;
}

/** The database is back: all have the whole text, and nobody produces the stream a second time. */
async function expectNobodyDied({ own, reading, source, calling }: Survivors): Promise<void> {
  const other = manualSource();
  const called = await until(() => calling.resumableStream("s", other.makeStream).catch(() => undefined), {
    what: "an answer",
    withinMs: 10_000,
  });
  source.push("after");
  source.end();
  for (const each of [own, reading, read(called)]) await expectClosed(each, "before away after");
  expect(other.calls()).toBe(0);
  expect(await calling.hasExistingStream("s")).toBe("DONE");
}

test.each(["cut off", "silent", "taking no connections"] as const)(
  "%s, and back: followers have the whole text, callers find the stream, and nobody takes it over (G1, G3, G4)",
  async (how) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    await untilLeasesLapse(database);
    const { port, pathname } = new URL(database.url);
    const role = `${pathname.slice(1)}_app`;
    await database.query(`create role ${role} login`);
    await database.query(`grant all on rs_stream_sessions, rs_stream_chunks to ${role}`);
    await using proxy = await TcpProxy.start(Number(port));
    const url = `postgres://${role}@127.0.0.1:${proxy.port}${pathname}`;
    const [producing, following, calling] = [over(url), over(url), over(url)];
    const source = manualSource();
    const own = read(await producing.createNewResumableStream("s", source.makeStream));
    source.push("before ");
    const reading = read(await following.resumeExistingStream("s"));
    await reading.reached(7);

    if (how === "cut off") await proxy.refuse();
    else if (how === "silent") proxy.blackHole();
    else {
      // As a server does that has none to spare: by an answer of its own.
      await database.query(`alter role ${role} connection limit 0`);
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`,
      );
    }
    source.push("away ");
    // So that it knows of the outage: what a server answers to one pool may be meant for that alone.
    await expect(calling.hasExistingStream("s")).rejects.toThrow("Cannot");
    await until(
      async () => {
        const [row] = await database.query(
          "select lease_expires_at < now() - interval '1 second' as has_lapsed from rs_stream_sessions",
        );
        return row?.["has_lapsed"] === true;
      },
      { what: "the lease to have lapsed", withinMs: 10_000 },
    );
    if (how === "cut off") await proxy.accept();
    else if (how === "taking no connections") {
      await database.query(`alter role ${role} connection limit -1`);
    } else {
      proxy.forget();
      proxy.cut();
    }
    await expectNobodyDied({ own, reading, source, calling });
  },
);

test("replaced by a standby that is promoted after more than a lease: the same (G1, G3, G4)", async () => {
  await using primary = await PostgresServer.start();
  await setUpTables(primary.url);
  await using standby = await primary.startStandby();
  await using proxy = await TcpProxy.start(primary.port);
  const url = standby.url.replace(`:${standby.port}/`, `:${proxy.port}/`);
  const [producing, following, calling] = [over(url), over(url), over(url)];
  const client = new Client({ connectionString: standby.url });
  await client.connect();
  const isTrue = async (condition: string): Promise<boolean> => {
    const { rows } = await client.query<{ is: boolean }>(`select (${condition}) as is`);
    return rows[0]?.is === true;
  };
  // After a start of its server a lease lasts longer; a standby has been up for weeks.
  const isOld = "pg_postmaster_start_time() < now() - interval '6 seconds'";
  await until(() => isTrue(isOld), { what: "an old standby", withinMs: 10_000 });
  const source = manualSource();
  const own = read(await producing.createNewResumableStream("s", source.makeStream));
  source.push("before ");
  const reading = read(await following.resumeExistingStream("s"));
  await reading.reached(7);
  await until(() => isTrue("exists (select from rs_stream_sessions where last_offset = 7)"), {
    what: "the standby to have it",
  });

  await proxy.refuse();
  await primary.kill();
  source.push("away ");
  const hasLapsed = "select lease_expires_at < now() - interval '1 second' from rs_stream_sessions";
  await until(() => isTrue(hasLapsed), { what: "the lease to have lapsed", withinMs: 10_000 });
  await client.query("select pg_promote()");
  await client.end();
  proxy.setTarget(standby.port);
  await proxy.accept();

  await expectNobodyDied({ own, reading, source, calling });
}, 60_000);
