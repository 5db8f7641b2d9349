// `resumable-stream postgres setup | cleanup`, as people run it.

import { Pool } from "pg";
import { expect, inject, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { expectRejection, expectSameText } from "../../src/testing/assert.ts";
import { expectClosed, read, readWhole } from "../../src/testing/reading.ts";
import { OLDER_TABLES } from "../support/older-schema.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { run } from "./run.ts";

function contextOn({ url }: PrivateDatabase) {
  const pool = new Pool({ connectionString: url });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError: () => undefined });
  const dispose = async (): Promise<void> => {
    await context.close();
    await pool.end();
  };
  return { ...context, [Symbol.asyncDispose]: dispose };
}

test("setup makes the tables on which streams work; before it, every call rejects with SCHEMA_MISSING and the command", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await using context = contextOn(database);
  const calls = [
    () => context.resumableStream("a", sourceOf(["text"])),
    () => context.createNewResumableStream("a", sourceOf(["text"])),
    () => context.resumeExistingStream("a"),
    () => context.hasExistingStream("a"),
    () => context.stopStream("a"),
  ];
  for (const call of calls) {
    const error = await expectRejection(call(), "SCHEMA_MISSING");
    expect(error.message).toContain("npx resumable-stream postgres setup");
  }

  expect(await run(["postgres", "setup"], { POSTGRES_URL: database.url })).toEqual({
    code: 0,
    stdout: "The tables rs_stream_sessions and rs_stream_chunks are ready.",
    stderr: "",
  });
  expectSameText(await readWhole(context.resumableStream("a", sourceOf(["text"]))), "text");
});

test("setup run again, and many times at once, changes nothing", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, () => run(["postgres", "setup", "--url", database.url])),
  );
  expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual(Array(4).fill([0, ""]));
  await using context = contextOn(database);
  await readWhole(context.resumableStream("kept", sourceOf(["text"])));
  expect((await run(["postgres", "setup", "--url", database.url])).code).toBe(0);
  expect(await database.query("select chunk from rs_stream_chunks")).toEqual([{ chunk: "text" }]);
});

test("setup upgrades the older tables, keeps their rows, and their streams are as they were", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await database.query(OLDER_TABLES);
  await using context = contextOn(database);
  await expectRejection(context.hasExistingStream("done"), "SCHEMA_MISSING");

  expect((await run(["postgres", "setup"], { POSTGRES_URL: database.url })).code).toBe(0);
  expect(await database.query("select count(*)::int as count from rs_stream_chunks")).toEqual([{ count: 5 }]);
  expect(await context.hasExistingStream("done")).toBe("DONE");
  expect(await context.resumeExistingStream("done")).toBeNull();
  expect(await context.hasExistingStream("failed")).toBe("failed");
  expectSameText(await readWhole(context.resumeExistingStream("failed")), "left of this");
  expectSameText(await readWhole(context.resumeExistingStream("failed", 3)), "t of this");
  // Its producer may be one of the older version that still writes: that counts as alive for a lease.
  expect(await context.hasExistingStream("running")).toBe(true);
  expectSameText(await readWhole(context.resumableStream("failed", sourceOf(["anew"]))), "anew");
});

test("cleanup deletes what has expired, says how much, and leaves live streams alone", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await run(["postgres", "setup"], { POSTGRES_URL: database.url });
  await database.query(`
    insert into rs_stream_sessions (stream_id, status, expires_at)
    select 'resumable-stream:rs:old-' || n, 'done', now() - interval '1 second' from generate_series(1, 1203) n`);
  await database.query(`
    insert into rs_stream_chunks (stream_id, seq, start_offset, end_offset, chunk)
    select stream_id, n, n, n + 1, 'x' from rs_stream_sessions, generate_series(0, 1) n`);
  await using context = contextOn(database);
  const source = manualSource();
  const live = read(await context.createNewResumableStream("live", source.makeStream));
  source.push("still ");
  expect(await context.hasExistingStream("old-1")).toBeNull();
  expect(await context.resumeExistingStream("old-1")).toBeUndefined();

  const outcome = await run(["postgres", "cleanup"], { POSTGRES_URL: database.url });
  expect(outcome).toEqual({ code: 0, stdout: "Deleted 1203 expired streams and 2406 chunks.", stderr: "" });
  source.push("here");
  source.end();
  await expectClosed(live, "still here");
  expect((await run(["postgres", "cleanup"], { POSTGRES_URL: database.url })).stdout).toBe(
    "Deleted 0 expired streams and 0 chunks.",
  );
});

test("setup and cleanup use the tables that the environment names", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await database.query("create schema app");
  const env = {
    POSTGRES_URL: database.url,
    POSTGRES_SESSION_TABLE: 'app.my "streams"',
    POSTGRES_CHUNK_TABLE: "app.my chunks",
  };
  expect((await run(["postgres", "setup"], env)).code).toBe(0);
  expect((await run(["postgres", "setup"], env)).code).toBe(0);
  const pool = new Pool({ connectionString: database.url });
  const context = createPostgresResumableStreamContext({
    pool,
    waitUntil: null,
    sessionTableName: env.POSTGRES_SESSION_TABLE,
    chunkTableName: env.POSTGRES_CHUNK_TABLE,
  });
  await readWhole(context.resumableStream("a", sourceOf(["text"])));
  await context.close();
  await pool.end();
  await database.query(`update app."my ""streams""" set expires_at = now()`);
  expect((await run(["postgres", "cleanup"], env)).stdout).toBe("Deleted 1 expired streams and 1 chunks.");
});

test.each([
  ["users", "chunks", "The table users is used for something else"],
  ["streams", "users", "The table users is used for something else"],
  ["one", "one", "The two tables must have different names"],
])("setup changes nothing where %s and %s are no tables for streams", async (sessions, chunks, why) => {
  await using database = await createDatabase(inject("postgresUrl"));
  await database.query("create table users (id int primary key, status text)");
  const env = {
    POSTGRES_URL: database.url,
    POSTGRES_SESSION_TABLE: sessions,
    POSTGRES_CHUNK_TABLE: chunks,
  };
  const outcome = await run(["postgres", "setup"], env);
  expect(outcome.stderr).toContain(why);
  expect(outcome.code).toBe(1);
  const columns =
    "select table_name, column_name from information_schema.columns where table_schema = 'public'";
  expect(await database.query(`${columns} order by column_name`)).toEqual([
    { table_name: "users", column_name: "id" },
    { table_name: "users", column_name: "status" },
  ]);
});

test("a role without rights is told so, and a database without tables what to run", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  const without = await run(["postgres", "cleanup"], { POSTGRES_URL: database.url });
  expect(without.stderr).toContain("npx resumable-stream postgres setup");
  await run(["postgres", "setup"], { POSTGRES_URL: database.url });
  const role = `reader_${Date.now().toString(36)}`;
  await database.query(`create role ${role} login`);
  const url = Object.assign(new URL(database.url), { username: role }).href;
  const commands = [["list"], ["lost"], ["stop", "a"], ["postgres", "cleanup"]];
  const outcomes = await Promise.all(commands.map((words) => run(words, { POSTGRES_URL: url })));
  await database.query(`drop role ${role}`);
  for (const { code, stderr } of outcomes) {
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot (ask|delete) .*permission denied.*SQLSTATE 42501/);
  }
});

test("the one-line delete of the docs removes chunks by cascade", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await run(["postgres", "setup"], { POSTGRES_URL: database.url });
  await using context = contextOn(database);
  await readWhole(context.resumableStream("a", sourceOf(["text"])));
  await database.query("update rs_stream_sessions set expires_at = now()");
  await database.query("delete from rs_stream_sessions where expires_at <= now()");
  expect(await database.query("select * from rs_stream_chunks")).toEqual([]);
});

test.each([
  [[], 2, "Usage: resumable-stream <command>"],
  [["postgres", "dance"], 2, 'Unknown command "postgres dance".'],
  [["--loud"], 2, "Unknown option"],
  [["postgres", "setup"], 2, "set POSTGRES_URL"],
  [["postgres", "setup", "--url", "postgres://127.0.0.1:1/none"], 1, "ECONNREFUSED"],
  [["postgres", "setup", "--url", "redis://127.0.0.1:1"], 2, "postgres://"],
])("%j exits with %i and says why", async (args, code, why) => {
  const outcome = await run(args);
  expect(outcome.stderr).toContain(why);
  expect(outcome.code).toBe(code);
});
