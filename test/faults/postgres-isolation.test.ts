// Row: a database whose transactions are more than "read committed". A statement that waited for another's row is undone there.
// Row: a stream gives more than the database takes. The others of its process are written between its pieces.
// Row: a database refuses what one stream says. Its process writes its other streams all the same.
// Row: somebody else's row stands where a stream's text is to go. Its process writes its other streams all the same.

import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read, until } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";

test.each(["repeatable read", "serializable"])(
  "of 8 callers at once exactly one produces where transactions are %s (G3)",
  { timeout: 30_000 },
  async (level) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    const name = new URL(database.url).pathname.slice(1);
    await database.query(`alter database "${name}" set default_transaction_isolation = '${level}'`);
    const troubles: unknown[] = [];
    const contexts = Array.from({ length: 4 }, () => {
      const pool = new Pool({ connectionString: database.url, max: 5 });
      const onError = (error: unknown): unknown => troubles.push(error);
      const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError });
      onTestFinished(() => context.close().then(() => pool.end()));
      return context;
    });
    for (let round = 0; round < 5; round += 1) {
      const source = manualSource();
      const readings = await Promise.all(
        [...contexts, ...contexts].map(async (context) =>
          read(await context.resumableStream(`chat-${round}`, source.makeStream)),
        ),
      );
      expect(source.calls()).toBe(1);
      source.push("one text");
      source.end();
      for (const reading of readings) await expectClosed(reading, "one text");
    }
    expect(troubles).toEqual([]);
  },
);

test("a stranger's row in the way of one stream holds up no other", { timeout: 30_000 }, async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, flushIntervalMs: 20 });
  onTestFinished(() => context.close().then(() => pool.end()));
  const [hindered, other] = [manualSource(), manualSource()];
  await context.resumableStream("hindered", hindered.makeStream);
  await context.resumableStream("other", other.makeStream);
  await database.query(`insert into rs_stream_chunks (stream_id, epoch, seq, start_offset, end_offset, chunk)
    select stream_id, epoch, 0, 0, 1, 'x' from rs_stream_sessions where stream_id like '%hindered'`);
  hindered.push("text");
  other.push("text");
  await until(async () => {
    const rows = await database.query("select stream_id, last_offset from rs_stream_sessions");
    expect(rows.filter((row) => String(row["stream_id"]).endsWith("other"))).toMatchObject([
      { last_offset: "4" },
    ]);
  });
  hindered.end();
  other.end();
});

test("a stream whose text the database refuses holds up no other (G16)", { timeout: 30_000 }, async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await database.query("alter table rs_stream_chunks add check (stream_id not like '%s1')");
  const troubles: unknown[] = [];
  const contexts = [1, 2].map(() => {
    const pool = new Pool({ connectionString: database.url, max: 5 });
    const onError = (error: unknown): unknown => troubles.push(error);
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError });
    onTestFinished(() => context.close().then(() => pool.end()));
    return context;
  });
  const [producing, following] = contexts as [(typeof contexts)[0], (typeof contexts)[0]];
  const sources = ["s0", "s1", "s2", "s3", "s4"].map(() => manualSource());
  const readings = await Promise.all(
    sources.map(async (source, n) => {
      await producing.createNewResumableStream(`s${n}`, source.makeStream);
      return read(await following.resumeExistingStream(`s${n}`));
    }),
  );
  for (const source of sources) source.push("text");
  const [, refused] = readings.splice(1, 1);
  for (const reading of readings) await reading.reached(4);
  expect(refused?.text() ?? "").toBe("");
  for (const source of sources) source.end();
  for (const reading of readings) await expectClosed(reading, "text");
  expect(troubles).toMatchObject([{ code: "TRANSPORT_UNAVAILABLE", cause: { code: "23514" } }]);
});

test("five refused streams that began before the others hold them up no longer than a retry", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await database.query("alter table rs_stream_chunks add check (stream_id not like '%refused_')");
  const pool = new Pool({ connectionString: database.url, max: 5 });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError: () => undefined });
  onTestFinished(() => context.close().then(() => pool.end()));
  const ids = ["refused1", "refused2", "refused3", "refused4", "refused5", "other1", "other2"];
  const sources = ids.map(() => manualSource());
  for (const [n, id] of ids.entries())
    await context.createNewResumableStream(id, sources[n]?.makeStream ?? (() => new ReadableStream()));
  for (const source of sources) source.push("text");
  // Not by a follower: it locks rows, and what is passed over for that isn't refused.
  await until(
    async () => {
      expect(await database.query("select chunk from rs_stream_chunks")).toHaveLength(2);
    },
    { withinMs: 4_000 },
  );
});

test("what is refused to all streams is tried by few statements, and not by each stream", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await database.query("create sequence tries");
  await database.query("alter table rs_stream_chunks add check (nextval('tries') < 0)");
  const pool = new Pool({ connectionString: database.url, max: 5 });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError: () => undefined });
  onTestFinished(() => context.close().then(() => pool.end()));
  const sources = Array.from({ length: 60 }, () => manualSource());
  await Promise.all(sources.map((source, n) => context.createNewResumableStream(`s${n}`, source.makeStream)));
  for (const source of sources) source.push("text");
  await sleep(2_000);
  const [row] = await database.query("select last_value::int as tries from tries");
  expect(row?.["tries"]).toBeLessThan(150);
});

test("a stream that has 40 MB to write holds up no other", { timeout: 60_000 }, async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
  onTestFinished(() => context.close().then(() => pool.end()));
  const [flood, other] = [manualSource(), manualSource()];
  await context.resumableStream("flood", flood.makeStream);
  await context.resumableStream("other", other.makeStream);
  flood.push("x".repeat(40_000_000));
  flood.end();
  other.push("text");
  other.end();
  const written = async (): Promise<Record<string, unknown>> => {
    const rows = await database.query("select stream_id, last_offset from rs_stream_sessions");
    const of = (name: string) => rows.find((row) => String(row["stream_id"]).endsWith(name))?.["last_offset"];
    return { flood: Number(of("flood")), other: Number(of("other")) };
  };
  const withOther = async () => {
    const seen = await written();
    expect(seen["other"]).toBe(4);
    return seen;
  };
  let first: Record<string, unknown> = {};
  await until(async () => void (first = await withOther()), { withinMs: 40_000 });
  expect(first["flood"]).toBeLessThan(10_000_000);
  await until(async () => expect(await written()).toEqual({ flood: 40_000_000, other: 4 }), {
    withinMs: 40_000,
  });
});
