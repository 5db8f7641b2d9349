// Row: the tables are set up in a team's ordinary year: at every deploy, beside a dump, beside streams of the older version, by a
// role that may do little, and on a platform that lets guests in.

import { Client } from "pg";
import { expect, inject, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { DEFAULT_SCHEMA } from "../../src/postgres-schema.ts";
import { run } from "../cli/run.ts";
import { OLDER_TABLES } from "../support/older-schema.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { PostgresServer } from "../support/postgres-server.ts";
import { until } from "../support/wait.ts";

interface Session extends AsyncDisposable {
  query: (text: string) => Promise<Record<string, unknown>[]>;
}

async function connect(url: string): Promise<Session> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return {
    query: async (text) => (await client.query<Record<string, unknown>>(text)).rows,
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** A transaction that has read the tables and stays open, as a dump's does. */
async function dump({ url }: PrivateDatabase): Promise<Session> {
  const session = await connect(url);
  await session.query("begin isolation level repeatable read");
  await session.query("lock table rs_stream_sessions, rs_stream_chunks in access share mode");
  await session.query("select count(*) from rs_stream_chunks");
  return session;
}

/** What the older version does for each chunk. */
const OLDER_WRITE = `
  insert into rs_stream_chunks (stream_id, start_offset, end_offset, chunk)
    values ('resumable-stream:rs:running', 4, 5, 'x');
  update rs_stream_sessions set updated_at = now() where stream_id = 'resumable-stream:rs:running'`;

test("setup of current tables beside a dump ends at once, by command and by SQL: it waits for no lock", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await database.query(DEFAULT_SCHEMA);
  await using dumping = await dump(database);
  expect((await run(["postgres", "setup"], { POSTGRES_URL: database.url })).code).toBe(0);
  await database.query(`set lock_timeout = 1; ${DEFAULT_SCHEMA}`);
  await dumping.query("commit");
});

test("a role without a right on the tables may run setup if there is nothing to do", async () => {
  await using server = await PostgresServer.start();
  await using admin = await connect(server.url);
  await admin.query(DEFAULT_SCHEMA);
  await admin.query("create role deployer login; revoke create on schema public from public");
  const url = Object.assign(new URL(server.url), { username: "deployer" }).href;
  expect(await run(["postgres", "setup"], { POSTGRES_URL: url })).toMatchObject({ code: 0, stderr: "" });
});

test("an upgrade beside a dump holds up no write of the older version, and is done once the dump is", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await database.query(OLDER_TABLES);
  await using dumping = await dump(database);
  await using older = await connect(database.url);
  const upgrading = run(["postgres", "setup"], { POSTGRES_URL: database.url });
  let longestMs = 0;
  const startedAt = performance.now();
  while (performance.now() - startedAt < 6_000) {
    const writtenAt = performance.now();
    await older.query(OLDER_WRITE);
    longestMs = Math.max(longestMs, performance.now() - writtenAt);
  }
  // A lock that isn't to be had is waited for so long, and what came after it waits as well.
  expect(longestMs).toBeLessThan(3_500);
  await dumping.query("commit");
  expect(await upgrading).toMatchObject({ code: 0, stderr: "" });
  const [key] = await database.query(
    "select array_length(conkey, 1) as columns from pg_constraint where conrelid = 'rs_stream_chunks'::regclass and contype = 'p'",
  );
  expect(key).toEqual({ columns: 3 });
  await older.query(OLDER_WRITE);
});

/** The tables as a setup leaves them that has done all but the key of the chunks. */
async function leaveTheKey(database: PrivateDatabase): Promise<void> {
  await database.query(DEFAULT_SCHEMA);
  await database.query(
    "alter table rs_stream_chunks drop constraint rs_stream_chunks_pkey, add primary key (stream_id, seq)",
  );
}

test("the key of a large table is made beside its writers, not under a lock", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await database.query(OLDER_TABLES);
  // A transaction that has changed the table: an index that is made beside writers waits for it, and they for nobody.
  await using writing = await connect(database.url);
  await using older = await connect(database.url);
  await leaveTheKey(database);
  await writing.query("begin");
  await writing.query(OLDER_WRITE);
  const upgrading = run(["postgres", "setup"], { POSTGRES_URL: database.url });
  await until(
    async () => {
      const waiting = await older.query("select from pg_stat_progress_create_index");
      return waiting.length > 0;
    },
    { what: "the index to be begun", withinMs: 20_000 },
  );
  await older.query(`set lock_timeout = 1000; ${OLDER_WRITE.replaceAll("running", "failed")}`);
  await writing.query("commit");
  expect(await upgrading).toMatchObject({ code: 0, stderr: "" });
});

test("an index that a setup which was killed still makes holds up no writer, and the next setup ends with it", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await database.query(OLDER_TABLES);
  await using writing = await connect(database.url);
  await using killed = await connect(database.url);
  await using older = await connect(database.url);
  await leaveTheKey(database);
  await writing.query("begin");
  await writing.query(OLDER_WRITE.replaceAll("running", "failed"));
  const making = killed.query(
    "create unique index concurrently rs_stream_chunks_next_pkey on rs_stream_chunks (stream_id, epoch, seq)",
  );
  const isMade = "select from pg_class where relname = 'rs_stream_chunks_next_pkey'";
  await until(async () => (await older.query(isMade)).length > 0, { what: "the index to be begun" });
  const upgrading = run(["postgres", "setup"], { POSTGRES_URL: database.url });
  const startedAt = performance.now();
  while (performance.now() - startedAt < 4_000) await older.query(`set lock_timeout = 1000; ${OLDER_WRITE}`);
  await writing.query("commit");
  await making;
  expect(await upgrading).toMatchObject({ code: 0, stderr: "" });
  expect(await database.query(isMade)).toEqual([]);
});

test("the chunk table of another app is refused, and nothing is made", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await database.query(DEFAULT_SCHEMA);
  const env = { POSTGRES_URL: database.url, POSTGRES_SESSION_TABLE: "own_sessions" };
  const outcome = await run(["postgres", "setup"], env);
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain("rs_stream_chunks can't keep the text of own_sessions");
  expect(await database.query("select to_regclass('own_sessions') as made")).toEqual([{ made: null }]);
  const doctor = await run(["doctor"], env);
  expect(doctor.stdout).toContain("can't keep the text of own_sessions");
});

test("names that look like SQL or like quotes are names", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  const env = {
    POSTGRES_URL: database.url,
    POSTGRES_SESSION_TABLE: `s'$setup$%"; drop`,
    POSTGRES_CHUNK_TABLE: `c'$setup$%"; drop`,
  };
  for (let time = 0; time < 2; time++)
    expect(await run(["postgres", "setup"], env)).toMatchObject({ code: 0, stderr: "" });
});

test("guests of a hosted platform can't read what is made; doctor tells of tables that they can", async () => {
  await using server = await PostgresServer.start();
  await using admin = await connect(server.url);
  await admin.query("create role anon login; alter default privileges grant all on tables to anon");
  const env = { POSTGRES_URL: server.url };
  expect((await run(["postgres", "setup"], env)).code).toBe(0);
  await admin.query("insert into rs_stream_sessions (stream_id, status) values ('secret', 'done')");
  await using guest = await connect(Object.assign(new URL(server.url), { username: "anon" }).href);
  expect(await guest.query("select * from rs_stream_sessions")).toEqual([]);
  expect((await run(["doctor"], env)).stdout).toMatch(/ok +guests/);

  await admin.query("alter table rs_stream_chunks disable row level security");
  const { stdout } = await run(["doctor"], env);
  expect(stdout).toMatch(/failed +guests/);
  expect(stdout).toContain("enable row level security");
});

test("a context works on what setup made, and on what the SQL made", async () => {
  const { Pool } = await import("pg");
  for (const setUp of ["command", "sql"]) {
    await using database = await createDatabase(inject("postgresUrl"));
    if (setUp === "sql") await database.query(DEFAULT_SCHEMA);
    else await run(["postgres", "setup"], { POSTGRES_URL: database.url });
    const pool = new Pool({ connectionString: database.url });
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
    expect(await context.hasExistingStream("none")).toBeNull();
    await context.close();
    await pool.end();
  }
});
