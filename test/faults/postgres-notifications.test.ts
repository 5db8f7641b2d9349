// Row: notifications don't arrive. The listener's backend is terminated, LISTEN is refused, or a pooler swallows it.

import { Pool } from "pg";
import { describe, expect, test } from "vitest";
import {
  createPostgresResumableStreamContext,
  type DurableStreamContext,
  type PostgresPool,
} from "../../src/postgres.ts";
import { manualSource, type ManualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read, type Reading } from "../../src/testing/reading.ts";
import { DeafProxy } from "../support/deaf-proxy.ts";
import { openProcess, type PostgresProcess } from "../support/postgres-process.ts";
import { PostgresScene } from "../support/scene.ts";
import { until, within } from "../support/wait.ts";

/** Text is written at once: that of a followed stream otherwise waits as long as a notified follower may take here. */
const AT_ONCE = { followedFlushIntervalMs: 0 };
/** So fast only by notification: polling takes longer on average, and is told apart by several in a row. */
const NOTIFIED_MS = 150;
const POLLED_MS = 1_000;

interface Pair extends AsyncDisposable {
  source: ManualSource;
  primary: Reading;
  follower: Reading;
  following: DurableStreamContext;
}

/** A stream and its follower, as two processes: the follower listens over a pool of its own. */
async function follow(
  url: string,
  { listenerPool, pollIntervalMs = 250 }: { listenerPool?: PostgresPool; pollIntervalMs?: number } = {},
): Promise<Pair> {
  const pools = [new Pool({ connectionString: url }), new Pool({ connectionString: url })];
  const [producing, following] = pools.map((pool, index) =>
    createPostgresResumableStreamContext({
      pool,
      waitUntil: null,
      onError: () => undefined,
      pollIntervalMs,
      ...AT_ONCE,
      ...(index === 1 && listenerPool ? { listenerPool } : {}),
    }),
  );
  if (!producing || !following) throw new Error("there are two");
  const source = manualSource();
  const primary = read(await producing.createNewResumableStream("s", source.makeStream));
  const follower = read(await following.resumeExistingStream("s"));
  const dispose = async (): Promise<void> => {
    await following.close();
    await producing.close();
    await Promise.all(pools.map(async (pool) => (pool.ended ? undefined : pool.end())));
  };
  return { source, primary, follower, following, [Symbol.asyncDispose]: dispose };
}

interface Process extends PostgresProcess {
  /** Notifications to its listening connection of streams that moved. */
  moved: string[];
}

function open(connectionString: string): Process {
  const moved: string[] = [];
  const process = openProcess({ connectionString }, AT_ONCE);
  process.pool.on("connect", (client) => {
    client.on("notification", ({ payload = "" }) => payload.startsWith("m ") && moved.push(payload));
  });
  return { ...process, moved };
}

/** The last statements of the connections that listen. */
async function lastListened(scene: PostgresScene): Promise<string> {
  const rows = await scene.query("select query from pg_stat_activity where query ilike '%listen%'");
  return rows.map(({ query }) => String(query)).join("\n");
}

let pushed = 0;

/** How long a character takes to the follower. */
async function latency({ source, follower }: Pick<Pair, "source" | "follower">): Promise<number> {
  const length = follower.text().length + 1;
  const startedAt = performance.now();
  source.push(String((pushed += 1) % 10));
  await within(5_000, "the follower", follower.reached(length));
  return performance.now() - startedAt;
}

async function expectPolling(pair: Pair): Promise<void> {
  for (let round = 0; round < 5; round += 1) expect(await latency(pair)).toBeLessThan(POLLED_MS);
}

/** With a poll every 2 s only notifications explain several quick ones in a row. */
async function untilNotified(pair: Pair): Promise<void> {
  await until(
    async () => {
      for (let round = 0; round < 3; round += 1) if ((await latency(pair)) > NOTIFIED_MS) return false;
      return true;
    },
    { what: "notifications", withinMs: 25_000 },
  );
}

async function expectWhole({ source, primary, follower }: Pair): Promise<void> {
  source.end();
  await expectClosed(follower, primary.text());
}

describe.concurrent("notifications that don't arrive", { timeout: 60_000 }, () => {
  test("the listener's backend is terminated: followers keep up by polling, and are notified again", async () => {
    await using scene = await PostgresScene.open();
    await using pair = await follow(scene.postgres.url, { pollIntervalMs: 500 });
    await untilNotified(pair);
    for (let round = 0; round < 3; round += 1) {
      const terminated = await scene.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'",
      );
      expect(terminated.length).toBeGreaterThan(0);
      await expectPolling(pair);
    }
    await untilNotified(pair);
    await expectWhole(pair);
  });

  test("LISTEN is refused, then allowed: followers keep up by polling, and are notified once they can be", async () => {
    await using scene = await PostgresScene.open();
    const pool = new Pool({ connectionString: scene.postgres.url });
    let isRefusing = true;
    let refused = 0;
    const listenerPool: PostgresPool = {
      query: (text, values) => pool.query(text, values),
      connect: async () => {
        refused += 1;
        if (isRefusing) throw new Error("no connection to listen with");
        return pool.connect();
      },
    };
    await using pair = await follow(scene.postgres.url, { listenerPool });
    await expectPolling(pair);
    expect(refused).toBeGreaterThan(0);
    isRefusing = false;
    await untilNotified(pair);
    await expectWhole(pair);
    await pair[Symbol.asyncDispose]();
    await pool.end();
  });

  test("a pooler that accepts LISTEN and delivers nothing: followers poll, until it delivers", async () => {
    await using scene = await PostgresScene.open();
    await using proxy = await DeafProxy.start(scene.postgres.port);
    const listenerPool = new Pool({ connectionString: scene.via(proxy) });
    await using pair = await follow(scene.postgres.url, { listenerPool });
    await expectPolling(pair);
    await until(() => proxy.swallowed > 0, { what: "a proof that isn't heard" });
    proxy.isDeaf = false;
    await untilNotified(pair);
    // It falls silent while it is trusted: the next proof finds out.
    proxy.isDeaf = true;
    const before = proxy.swallowed;
    await until(() => proxy.swallowed > before + 1, { what: "a proof that isn't heard" });
    await until(async () => (await latency(pair)) < POLLED_MS, { what: "polling" });
    await expectPolling(pair);
    await expectWhole(pair);
    await pair[Symbol.asyncDispose]();
    await listenerPool.end();
  });
});

describe("channels", { timeout: 30_000 }, () => {
  test("text wakes the processes that follow its stream, while they do, and no other (G16)", async () => {
    await using scene = await PostgresScene.open();
    await using producing = open(scene.postgres.url);
    await using following = open(scene.postgres.url);
    await using elsewhere = open(scene.postgres.url);
    const [one, other] = [manualSource(), manualSource()];
    const primaries = [
      read(await producing.context.createNewResumableStream("one", one.makeStream)),
      read(await producing.context.createNewResumableStream("other", other.makeStream)),
    ];
    const follower = read(await following.context.resumeExistingStream("one"));
    const otherFollower = read(await elsewhere.context.resumeExistingStream("other"));
    for (let n = 1; n <= 3; n += 1) {
      one.push("x");
      await follower.reached(n);
    }
    other.push("y");
    await otherFollower.reached(1);
    const [ofOne] = following.moved;
    expect(new Set(following.moved)).toEqual(new Set([ofOne]));
    expect(elsewhere.moved).not.toContain(ofOne);
    expect(producing.moved).toEqual([]);
    // It follows another one still, and so listens still.
    const second = read(await elsewhere.context.resumeExistingStream("one"));
    await second.reached(3);
    await second.leave();
    await until(async () => (await lastListened(scene)).includes("unlisten"), { what: "leaving" });
    const heard = elsewhere.moved.filter((payload) => payload === ofOne).length;
    one.push("x");
    await follower.reached(4);
    other.push("y");
    await otherFollower.reached(2);
    expect(elsewhere.moved.filter((payload) => payload === ofOne)).toHaveLength(heard);
    one.end();
    other.end();
    await Promise.all([...primaries, follower, otherFollower].map(({ ended }) => ended));
  });

  test("text that is written before a process listens to its stream is read as soon as it does", async () => {
    await using scene = await PostgresScene.open();
    const held: (() => void)[] = [];
    let holds = false;
    const listeners = new Pool({ connectionString: scene.postgres.url });
    const listenerPool: PostgresPool = {
      query: (text, values) => listeners.query(text, values),
      connect: async () => {
        const client = await listeners.connect();
        const query = client.query.bind(client);
        return Object.assign(client, {
          query: async (text: string, values?: unknown[]) => {
            if (holds) await new Promise<void>((resolve) => held.push(resolve));
            return query(text, values);
          },
        });
      },
    };
    await using pair = await follow(scene.postgres.url, { listenerPool });
    await untilNotified(pair);
    await using producing = open(scene.postgres.url);
    const source = manualSource();
    const primary = read(await producing.context.createNewResumableStream("second", source.makeStream));
    holds = true;
    const follower = read(await pair.following.resumeExistingStream("second"));
    await until(() => held.length > 0, { what: "a channel more" });
    await until(
      () =>
        scene
          .query(
            "select 1 from rs_stream_sessions where watched_until is not null and stream_id like '%second'",
          )
          .then(({ length }) => length > 0),
      { what: "its mark" },
    );
    source.push("text");
    await until(
      () =>
        scene
          .query("select 1 from rs_stream_sessions where last_offset = 4 and stream_id like '%second'")
          .then(({ length }) => length > 0),
      { what: "its text in the database" },
    );
    holds = false;
    for (const goOn of held) goOn();
    await within(1_500, "the text", follower.reached(4));
    source.end();
    await Promise.all([primary.ended, follower.ended]);
    await expectWhole(pair);
    await pair[Symbol.asyncDispose]();
    await listeners.end();
  });
});

test("a role that may only read follows as fast as any other", { timeout: 30_000 }, async () => {
  await using scene = await PostgresScene.open();
  await scene.query("create role reader login");
  await scene.query("grant select on rs_stream_sessions, rs_stream_chunks to reader");
  const url = new URL(scene.postgres.url);
  url.username = "reader";
  await using producing = open(scene.postgres.url);
  await using reading = open(url.href);
  const source = manualSource();
  const primary = read(await producing.context.createNewResumableStream("s", source.makeStream));
  const follower = read(await reading.context.resumeExistingStream("s"));
  source.push(".");
  await follower.reached(1);
  const quick = async (): Promise<boolean> => {
    for (let round = 0; round < 3; round += 1) {
      if ((await latency({ source, follower })) > NOTIFIED_MS) return false;
    }
    return true;
  };
  await until(quick, { what: "notifications", withinMs: 10_000 });
  expect(reading.moved.length).toBeGreaterThanOrEqual(3);
  source.end();
  await primary.ended;
  await expectClosed(follower, primary.text());
});

test("a session row deleted under a follower: it errors within 5 s", async () => {
  await using scene = await PostgresScene.open();
  await using pair = await follow(scene.postgres.url);
  await untilNotified(pair);
  await scene.query("delete from rs_stream_sessions");
  const end = await within(5_000, "the follower's end", pair.follower.ended);
  expect(end).toMatchObject({ kind: "errored", error: { code: "PRODUCER_LOST" } });
});
