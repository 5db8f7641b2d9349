// Row: somebody else's transaction has one stream's row locked. And: a stranger sends notifications.

import { Client, Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import type { CommonOptions } from "../../src/api/common-options.ts";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { expectClosed, read, readWhole } from "../../src/testing/reading.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { createChannel, createHint, createKey } from "../../src/transports/postgres/names.ts";
import { openFollowedStreams } from "../support/followed-streams.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

const STREAMS = 8;

function over(
  database: PrivateDatabase,
  troubles: unknown[],
  options: Partial<CommonOptions> = {},
): DurableStreamContext {
  const pool = new Pool({ connectionString: database.url, max: 4 });
  const onError = (error: unknown): unknown => troubles.push(error);
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError, ...options });
  onTestFinished(() => context.close().then(() => pool.end()));
  return context;
}

test("a statement that a role's statement_timeout ends is no outage, and its connection stays (G4, G16)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({
    connectionString: database.url,
    max: 4,
    application_name: "short",
    options: "-c statement_timeout=300",
  });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError: () => undefined });
  onTestFinished(() => context.close().then(() => pool.end()));
  await readWhole(context.createNewResumableStream("locked", sourceOf(["text"])));
  await database.query(
    "insert into rs_stream_sessions (stream_id, status, epoch, last_offset, lease_expires_at, expires_at) values ($1, 'streaming', 1, 0, now() - interval '1 min', now() + interval '1 h')",
    [createKey("resumable-stream", "dead")],
  );
  const backends = () =>
    database.query("select pid from pg_stat_activity where application_name = 'short' order by pid");
  // After its start a server gives the producers of lapsed leases a lease's time to come back.
  await until(async () => (await context.hasExistingStream("dead")) === "failed", {
    what: "the dead producer to be found",
    withinMs: 15_000,
  });
  const before = await backends();
  await database.query("begin");
  await database.query("select 1 from rs_stream_sessions where stream_id like '%locked' for update");
  const startedAt = performance.now();
  await readWhole(context.createNewResumableStream("locked", sourceOf(["other"])));
  expect(performance.now() - startedAt).toBeGreaterThan(250);
  expect(await context.hasExistingStream("dead")).toBe("failed");
  await database.query("commit");
  expect(await backends()).toEqual(expect.arrayContaining(before));
});

test("a locked row holds up its own stream's followers and no other's; unlocked, that goes on whole (G16)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const troubles: unknown[] = [];
  const [producing, following] = [over(database, troubles), over(database, troubles)];
  const streams = await openFollowedStreams(STREAMS, { producing, following });
  const other = new Client({ connectionString: database.url });
  await other.connect();
  await other.query("begin");
  await other.query("select 1 from rs_stream_sessions where stream_id like '%s0' for update");
  for (const { source } of streams) source.push("locked ");
  const [locked, ...healthy] = streams;
  await Promise.all(healthy.map(({ reading }) => reading.reached(14)));
  expect(locked?.reading.text()).toBe("before ");
  // Nothing of ours waits for the lock in the server. An "object" is the queue of notifications, which all databases share.
  const waiting = await database.query(
    "select wait_event from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and wait_event <> 'object'",
  );
  expect(waiting).toEqual([]);
  await other.query("commit");
  await other.end();
  for (const { source, reading } of streams) {
    source.end();
    await expectClosed(reading, "before locked ");
  }
  expect(troubles).toEqual([]);
});

test.each([
  ["locked", "select 1 from rs_stream_sessions where stream_id like '%:s3' for update"],
  [
    "being written by a transaction that stays open",
    `insert into rs_stream_sessions (stream_id, status) values ('resumable-stream:rs:s7', 'done')`,
  ],
])(
  "of ids that are claimed in one turn, one whose row is %s holds up no other (G16)",
  async (_, statement) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    const [producing, following] = [
      over(database, [], { claimTimeoutMs: 10_000, whenUnavailable: "throw" }),
      over(database, []),
    ];
    await following.createNewResumableStream("s3", sourceOf(["older"]));
    const other = new Client({ connectionString: database.url });
    await other.connect();
    await other.query("begin");
    await other.query(statement);
    const isHeld = (n: number): boolean => n === (statement.includes("s3") ? 3 : 7);
    const streams = Array.from({ length: STREAMS }, (_element, n) => {
      const source = manualSource();
      const claiming = producing.createNewResumableStream(`s${n}`, source.makeStream);
      return { source, claiming, isHeld: isHeld(n) };
    });
    const startedAt = performance.now();
    await Promise.all(streams.filter((each) => !each.isHeld).map(({ claiming }) => claiming));
    // A statement alone waits 2 s for the lock.
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await other.query("rollback");
    await other.end();
    for (const [n, { source, claiming }] of streams.entries()) {
      const own = read(await claiming);
      source.push(`text ${n}`);
      const reading = read(await following.resumeExistingStream(`s${n}`));
      source.end();
      for (const each of [own, reading]) await expectClosed(each, `text ${n}`);
    }
  },
);

test("claims of a locked id that wait for late answers leave the pool to the other streams (G16)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const [producing, following] = [over(database, [], { claimTimeoutMs: 500 }), over(database, [])];
  const locked = manualSource();
  await following.createNewResumableStream("locked", locked.makeStream);
  const other = new Client({ connectionString: database.url });
  await other.connect();
  await other.query("begin");
  await other.query("select 1 from rs_stream_sessions for update");
  const waiting = Array.from({ length: 6 }, () => manualSource());
  await Promise.all(
    waiting.map(({ makeStream }) => producing.createNewResumableStream("locked", makeStream)),
  );
  const source = manualSource();
  const own = read(await producing.createNewResumableStream("free", source.makeStream));
  const reading = read(await following.resumeExistingStream("free"));
  source.push("text");
  source.end();
  for (const each of [own, reading]) await expectClosed(each, "text");
  await other.query("rollback");
  await other.end();
  for (const each of [locked, ...waiting]) each.end();
});

test("claims of a locked id take no connections beyond their pool's, and none goes on waiting on the server (G16)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 3 });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError: () => undefined });
  await context.createNewResumableStream("locked", sourceOf(["text"]));
  const other = new Client({ connectionString: database.url });
  await other.connect();
  await other.query("begin");
  await other.query("select 1 from rs_stream_sessions for update");
  const backends = async (which: string): Promise<number> => {
    const { rows } = await other.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and ${which}`,
    );
    return rows[0]?.n ?? 0;
  };
  for (let round = 0; round < 3; round++) {
    await Promise.all([1, 2].map(() => context.createNewResumableStream("locked", sourceOf(["text"]))));
    await until(async () => (await backends("wait_event_type = 'Lock'")) === 0, {
      what: "no waiting backend",
    });
  }
  // The pool's, and the two that look.
  expect(await backends("true")).toBeLessThanOrEqual(3 + 2);
  await other.query("rollback");
  await other.end();
  await context.close();
  await pool.end();
}, 30_000);

test("a notification that says that a producer was superseded ends nothing: its row tells (G5)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const troubles: unknown[] = [];
  const [producing, following] = [over(database, troubles), over(database, troubles)];
  const source = manualSource();
  const own = read(await producing.createNewResumableStream("s", source.makeStream));
  const reading = read(await following.resumeExistingStream("s"));
  source.push("text ");
  await reading.reached(5);
  // What any role may send that can connect; both names are heard by listening.
  const payload = `f ${createHint(createKey("resumable-stream", "s"))} ${Number.MAX_SAFE_INTEGER}`;
  await database.query("select pg_notify($1, $2)", [createChannel("rs_stream_sessions"), payload]);
  source.push("goes on");
  source.end();
  await expectClosed(reading, "text goes on");
  await expectClosed(own, "text goes on");
  expect(troubles).toEqual([]);
});
