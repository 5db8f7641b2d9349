// Row: the server's clock steps by more than a lease, as after a machine was moved or has slept. Nobody died.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

test("followers of a stream that is silent at that moment have the whole text (G4)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  // Found before the server's own, in connections that are opened from now on.
  const name = new URL(database.url).pathname.slice(1);
  await database.query("create schema stepping");
  await database.query("create table stepping.step (by interval not null)");
  await database.query("insert into stepping.step values ('0 s')");
  await database.query(
    `create function stepping.clock_timestamp() returns timestamptz language sql volatile
     as 'select pg_catalog.clock_timestamp() + by from stepping.step'`,
  );
  await database.query(`alter database "${name}" set search_path = stepping, public, pg_catalog`);
  const open = (): DurableStreamContext => {
    const pool = new Pool({ connectionString: database.url, max: 4 });
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
    onTestFinished(() => context.close().then(() => pool.end()));
    return context;
  };
  const [producing, following] = [open(), open()];
  const source = manualSource();
  const own = read(await producing.createNewResumableStream("s", source.makeStream));
  source.push("thinking ");
  const reading = read(await following.resumeExistingStream("s"));
  await reading.reached(9);

  await database.query("update stepping.step set by = '1 min'");
  // A check or a read sees the lapsed lease before the producer renews it: each follower that comes reads.
  expect(await following.hasExistingStream("s")).toBe("failed");
  const late = read(await following.resumeExistingStream("s"));
  await until(async () => (await following.hasExistingStream("s")) === true, {
    what: "the lease to be renewed",
    withinMs: 10_000,
  });
  source.push("goes on");
  source.end();
  for (const each of [own, reading, late]) await expectClosed(each, "thinking goes on");
});
