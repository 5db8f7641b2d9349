// Row: the server loses what it has acknowledged, as one without synchronous commits does in a crash, or a standby that takes over.
// What is left then is an older moment of both tables.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

function over(database: PrivateDatabase) {
  const pool = new Pool({ connectionString: database.url, max: 4 });
  const errors: string[] = [];
  const context = createPostgresResumableStreamContext({
    pool,
    waitUntil: null,
    flushIntervalMs: 1,
    onError: ({ code }) => errors.push(code),
  });
  onTestFinished(() => context.close().then(() => pool.end()));
  return { context, errors };
}

const tailOf = async ({ query }: PrivateDatabase): Promise<number> => {
  const [row] = await query("select last_offset from rs_stream_sessions");
  return Number(row?.["last_offset"] ?? -1);
};

async function lose({ query }: PrivateDatabase, from: number): Promise<void> {
  await query("begin");
  await query("delete from rs_stream_chunks where start_offset >= $1", [from]);
  await query("update rs_stream_sessions set last_offset = $1", [from]);
  await query("commit");
}

test.each([
  ["while it runs", ["one ", "two \u{1F30A}", "three "], 4],
  ["from its start", ["one ", "two "], 0],
])("text that was lost %s is written again: who comes later has it whole (G1)", async (_, pieces, left) => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const [producing, following] = [over(database), over(database)];
  const source = manualSource();
  const own = read(await producing.context.createNewResumableStream("s", source.makeStream));
  let length = 0;
  for (const piece of pieces) {
    source.push(piece);
    length += piece.length;
    await until(async () => (await tailOf(database)) === length, { what: "the text to be written" });
  }
  await lose(database, left);
  source.push("last");
  await until(async () => (await tailOf(database)) === length + 4, { what: "all to be written" });
  const late = read(await following.context.resumeExistingStream("s"));
  source.end();
  for (const reading of [own, late]) await expectClosed(reading, `${pieces.join("")}last`);
  expect([...producing.errors, ...following.errors]).toEqual([]);
});

test("the end is written after what was lost before it (G1)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const [producing, following] = [over(database), over(database)];
  const source = manualSource();
  const own = read(await producing.context.createNewResumableStream("s", source.makeStream));
  source.push("all ");
  await until(async () => (await tailOf(database)) === 4, { what: "the first text to be written" });
  source.push("of it");
  await until(async () => (await tailOf(database)) === 9, { what: "the text to be written" });
  const reading = read(await following.context.resumeExistingStream("s"));
  await reading.reached(9);
  await lose(database, 4);
  source.end();
  for (const each of [own, reading]) await expectClosed(each, "all of it");
  const rows = await database.query("select sum(length(chunk))::int as units from rs_stream_chunks");
  expect(rows).toEqual([{ units: 9 }]);
});

test("a hole that stays is a failed stream to its readers, and no outage (G6)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const [producing, following] = [over(database), over(database)];
  const source = manualSource();
  const own = read(await producing.context.createNewResumableStream("s", source.makeStream));
  source.push("one ");
  const reading = read(await following.context.resumeExistingStream("s"));
  await reading.reached(4);
  source.fail(new Error("the model is gone"));
  await own.ended;
  await reading.ended;
  await until(async () => (await following.context.hasExistingStream("s")) === "failed", { what: "its end" });
  await database.query("update rs_stream_sessions set last_offset = 20");
  const left = read(await following.context.resumeExistingStream("s", 2));
  await left.ended;
  expect(left.text()).toBe("e ");
  const beyond = read(await following.context.resumeExistingStream("s", 10));
  await beyond.ended;
  expect(beyond.text()).toBe("");
});
