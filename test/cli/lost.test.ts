// `resumable-stream postgres lost`, as people run it: what no app has taken, and a module that takes it.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { markOf } from "../../src/lib/position.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { setUpTables, untilLeasesLapse } from "../support/postgres-tables.ts";
import { takenIn } from "../support/taking.ts";
import { until } from "../support/wait.ts";
import { failing, moduleOf, taking } from "./modules.ts";
import { run, values } from "./run.ts";

const secret = "text that nobody prints";

interface Scene extends AsyncDisposable {
  database: PrivateDatabase;
  lost: (...args: string[]) => ReturnType<typeof run>;
  insert: (row: Partial<Row> & { id: string }) => Promise<void>;
}

interface Row {
  id: string;
  prefix: string;
  epoch: number;
  text: string;
  /** Whether its producer's lease still holds. */
  isLive: boolean;
  status: string;
  handoversLeft: number | null;
  /** How long somebody who was elected still has. */
  handoverMs: number | null;
  owed: Record<number, string>;
}

/** An epoch of that long ago. */
const epochBefore = (ms: number): number => (Date.now() - ms) * 1000;

async function open(): Promise<Scene> {
  const database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const chunk = async (key: string, epoch: number, text: string): Promise<void> => {
    await database.query(`insert into rs_stream_chunks (stream_id, epoch, seq, start_offset, end_offset, chunk)
      values ('${key}', ${epoch}, 0, 0, ${text.length}, '${text}')`);
  };
  const insert: Scene["insert"] = async (given) => {
    const row: Row = {
      prefix: "resumable-stream:rs:",
      epoch: epochBefore(60_000),
      text: secret,
      isLive: false,
      status: "streaming",
      handoversLeft: 3,
      handoverMs: null,
      owed: {},
      ...given,
    };
    const key = `${row.prefix}${row.id}`;
    const epochs = Object.keys(row.owed);
    const lease = row.isLive ? "now() + interval '1 h'" : "now() - interval '1 s'";
    await database.query(`insert into rs_stream_sessions
      (stream_id, status, epoch, last_offset, lease_expires_at, expires_at, updated_at, handovers_left, handover_until, owed_epochs)
      values ('${key}', '${row.status}', ${row.epoch}, ${row.text.length}, ${lease}, now() + interval '1 h',
        now() - interval '5 min', ${row.handoversLeft},
        ${row.handoverMs === null ? null : `now() + ${row.handoverMs} * interval '1 ms'`},
        ${epochs.length === 0 ? null : `array[${epochs.join(",")}]::bigint[]`})`);
    await chunk(key, row.epoch, row.text);
    for (const [epoch, text] of Object.entries(row.owed)) await chunk(key, Number(epoch), text);
  };
  const lost: Scene["lost"] = (...args) => run(["postgres", "lost", ...args], { POSTGRES_URL: database.url });
  return { database, lost, insert, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

test("lists what no app has taken, under the prefix, without its text", async () => {
  await using scene = await open();
  const { insert, lost } = scene;
  await untilLeasesLapse(scene.database);
  const [first, second, now] = [epochBefore(90_000), epochBefore(61_000), epochBefore(30_000)];
  await insert({ id: "dead", epoch: first });
  await insert({ id: "lives", isLive: true });
  await insert({ id: "done, and its app failed", epoch: first, status: "done", handoversLeft: 1 });
  await insert({ id: "ended, taken", status: "done", handoversLeft: null });
  await insert({ id: "dead, of an app without onEnd", handoversLeft: null });
  await insert({ id: "being taken", epoch: first, handoversLeft: 2, handoverMs: 60_000 });
  await insert({ id: "tried often", epoch: first, status: "failed", handoversLeft: 0 });
  const owed = { [first]: "first", [second]: "second one" };
  await insert({ id: "superseded", epoch: now, isLive: true, owed });
  await insert({ id: "other", prefix: "mine:rs:" });

  const outcome = await lost("--json");
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(values(outcome).map(({ since: _since, ...facts }) => facts)).toEqual(
    [
      { streamId: "being taken", status: "lost", handOver: "running" },
      { streamId: "dead", status: "lost", handOver: "due" },
      { streamId: "done, and its app failed", status: "done", handOver: "due" },
      { streamId: "superseded", status: "lost", tail: 5, handOver: "due" },
      { streamId: "superseded", generation: markOf(second), status: "lost", tail: 10, handOver: "due" },
      { streamId: "tried often", status: "failed", handOver: "given-up" },
    ].map((facts) => ({ generation: markOf(first), tail: secret.length, ...facts })),
  );
  const [, dead, , older, newer] = values(outcome).map(({ since }) => Date.parse(String(since)));
  expect(Math.abs(Number(dead) - (Date.now() - 300_000))).toBeLessThan(30_000);
  expect([older, newer]).toEqual([Math.floor(second / 1000), Math.floor(now / 1000)]);

  const forPeople = await lost();
  expect(forPeople.stdout).toMatch(/^END +LENGTH +SINCE +HAND-OVER +GENERATION +ID$/m);
  expect(forPeople.stdout).toMatch(new RegExp(`^lost +23 +5 min +due +${markOf(first)} +dead$`, "m"));
  expect(outcome.stdout + forPeople.stdout).not.toContain(secret);
  const mine = values(await lost("--json", "--key-prefix", "mine"));
  expect(mine.map(({ streamId }) => streamId)).toEqual(["other"]);
});

test("--hand-over has a module take each: its id, how it ended, and its text; after that nothing is owed", async () => {
  await using scene = await open();
  const { insert, lost } = scene;
  await untilLeasesLapse(scene.database);
  const epoch = epochBefore(90_000);
  await insert({ id: "dead: 1", epoch });
  await insert({ id: "failed twice", epoch, status: "failed", handoversLeft: 0 });
  await insert({ id: "superseded", epoch: epochBefore(60_000), isLive: true, owed: { [epoch]: "older" } });
  await insert({ id: "taken by another", epoch, handoversLeft: 2, handoverMs: 60_000 });
  const { path, file } = await moduleOf(taking);

  const outcome = await lost("--json", "--hand-over", path);
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(outcome.stdout).not.toContain(secret);
  expect(values(outcome).map(({ streamId, generation, result }) => [streamId, generation, result])).toEqual([
    ["dead: 1", markOf(epoch), "taken"],
    ["failed twice", markOf(epoch), "taken"],
    ["superseded", markOf(epoch), "taken"],
    ["taken by another", markOf(epoch), "elsewhere"],
  ]);
  expect(
    takenIn(file).map(({ streamId, generation, end, text }) => ({ streamId, generation, end, text })),
  ).toEqual([
    { streamId: "dead: 1", generation: markOf(epoch), end: "lost", text: secret },
    { streamId: "failed twice", generation: markOf(epoch), end: "failed", text: secret },
    { streamId: "superseded", generation: markOf(epoch), end: "lost", text: "older" },
  ]);
  const left = values(await lost("--json"));
  expect(left.map(({ streamId }) => streamId)).toEqual(["taken by another"]);
});

test("what a module fails to take stays owed; the error's text isn't printed", async () => {
  await using scene = await open();
  const { database, insert, lost } = scene;
  await untilLeasesLapse(scene.database);
  const [older, newer] = [epochBefore(90_000), epochBefore(60_000)];
  await insert({ id: "dead", epoch: older });
  await insert({ id: "superseded", epoch: newer, isLive: true, owed: { [older]: "left \uFFFD text" } });
  const { path, file } = await moduleOf(failing);

  const forPeople = await lost("--hand-over", path);
  expect(forPeople.code).toBe(1);
  expect(forPeople.stdout).toMatch(/^failed +\S+ +dead {2}\(RangeError 53100\)$/m);
  expect(forPeople.stdout + forPeople.stderr).not.toMatch(new RegExp(`${secret}|no room|left`));
  const asJson = await lost("--json", "--hand-over", path);
  expect(asJson.code).toBe(1);
  expect(values(asJson)[1]).toMatchObject({
    streamId: "superseded",
    result: "failed",
    why: "RangeError 53100",
  });
  const states = values(await lost("--json")).map(({ streamId, handOver }) => [streamId, handOver]);
  expect(states).toEqual([
    ["dead", "given-up"],
    ["superseded", "given-up"],
  ]);
  expect(
    await database.query(`select chunk from rs_stream_chunks where epoch = ${older} order by 1`),
  ).toEqual([{ chunk: "left \uFFFD text" }, { chunk: secret }]);
  // Once more by the same, and then by one that can.
  const { path: good, file: taken } = await moduleOf(taking, "good.mjs");
  expect((await lost("--hand-over", good)).code).toBe(0);
  expect(takenIn(taken).map(({ text }) => text)).toEqual([secret, "left \uFFFD text"]);
  expect(takenIn(file).length).toBeGreaterThan(2);
  expect((await lost("--json")).stdout).toBe("");
});

test("beside servers that ask for the same streams, each is taken once", async () => {
  await using scene = await open();
  const { database, insert, lost } = scene;
  await untilLeasesLapse(scene.database);
  const ids = Array.from({ length: 30 }, (_, n) => `dead-${n}`);
  for (const id of ids) await insert({ id });
  const taken: string[] = [];
  const pool = new Pool({ connectionString: database.url });
  onTestFinished(() => pool.end());
  const context = createPostgresResumableStreamContext({
    pool,
    waitUntil: null,
    onEnd: ({ streamId }) => taken.push(streamId),
  });
  onTestFinished(() => context.close());
  const { path, file } = await moduleOf(taking);
  const [outcome, other] = await Promise.all([
    lost("--json", "--hand-over", path),
    lost("--json", "--hand-over", path),
    (async () => {
      await until(() => takenIn(file).length > 0, { what: "the command" });
      for (const id of ids.toReversed()) await context.hasExistingStream(id);
    })(),
  ]);
  expect([outcome.code, other.code]).toEqual([0, 0]);
  const byCommand = takenIn(file).map(({ streamId }) => streamId);
  expect([...taken, ...byCommand].toSorted()).toEqual(ids.toSorted());
  expect(byCommand.length).toBeGreaterThan(0);
});

test("a follower that waits for the app is told the end once a module has taken it", async () => {
  await using scene = await open();
  const { database, insert, lost } = scene;
  await untilLeasesLapse(scene.database);
  await insert({ id: "a", handoversLeft: 2, handoverMs: 2_000 });
  const pool = new Pool({ connectionString: database.url });
  onTestFinished(() => pool.end());
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
  onTestFinished(() => context.close());
  const { path } = await moduleOf(taking);
  await until(async () => (await lost("--json", "--hand-over", path)).stdout.includes('"result":"taken"'), {
    what: "its turn",
    withinMs: 20_000,
  });
  expect(await context.hasExistingStream("a")).toBe("failed");
  const source = manualSource();
  source.end();
  await read(await context.createNewResumableStream("a", source.makeStream)).ended;
  expect((await lost("--json")).stdout).toBe("");
});

test("an id that Postgres can't hold is listed by its stand-in, and left to its app", async () => {
  await using scene = await open();
  const { insert, lost } = scene;
  await untilLeasesLapse(scene.database);
  await insert({ id: "long#hash", prefix: "resumable-stream:rs#" });
  const { path, file } = await moduleOf(taking);
  const outcome = await lost("--json", "--hand-over", path);
  expect(outcome.code).toBe(1);
  expect(values(outcome)).toMatchObject([{ streamId: "#long#hash", result: "failed" }]);
  expect(takenIn(file)).toEqual([]);
});

test.each([
  ["a CommonJS module's own export", "module.exports = async () => {};", "save.cjs", 0, ""],
  ["a CommonJS module's onEnd", "module.exports = { onEnd: async () => {} };", "save.cjs", 0, ""],
  ["no function", "export const onEnd = 5;", "save.mjs", 2, "has to export a function onEnd"],
  ["a module that throws", "throw new Error('no config');", "save.mjs", 2, "can't be loaded: no config"],
])("--hand-over takes %s, or says why not", async (_what, code, name, exit, why) => {
  await using scene = await open();
  const { path } = await moduleOf(code, name);
  const outcome = await scene.lost("--hand-over", path);
  expect(outcome.code).toBe(exit);
  expect(outcome.stderr).toContain(why);
});

test.each([
  [["--hand-over", "none.mjs"], 2, "there is no"],
  [["--url", "redis://127.0.0.1:1"], 2, "postgres://"],
  [["--url", "postgres://127.0.0.1:1/none"], 1, "ECONNREFUSED"],
])("postgres lost %j exits with %i and says why", async (args, code, why) => {
  const env = { POSTGRES_URL: "postgres://127.0.0.1:1/none" };
  const outcome = await run(["postgres", "lost", ...args], env);
  expect(outcome.stderr).toContain(why);
  expect([outcome.code, outcome.stdout]).toEqual([code, ""]);
});
