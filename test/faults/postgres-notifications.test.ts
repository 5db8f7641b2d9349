// Row: notifications don't arrive. The listener's backend is terminated, LISTEN is refused, or a pooler swallows it.

import { Pool } from "pg";
import { describe, expect, test } from "vitest";
import { createPostgresResumableStreamContext, type PostgresPool } from "../../src/postgres.ts";
import { manualSource, type ManualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read, type Reading } from "../../src/testing/reading.ts";
import { DeafProxy } from "../support/deaf-proxy.ts";
import { PostgresScene } from "../support/scene.ts";
import { until, within } from "../support/wait.ts";

/** So fast only by notification: polling takes longer on average, and is told apart by several in a row. */
const NOTIFIED_MS = 150;
const POLLED_MS = 1_000;

interface Pair extends AsyncDisposable {
  source: ManualSource;
  primary: Reading;
  follower: Reading;
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
  return { source, primary, follower, [Symbol.asyncDispose]: dispose };
}

let pushed = 0;

/** How long a character takes to the follower. */
async function latency({ source, follower }: Pair): Promise<number> {
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

test("a session row deleted under a follower: it errors within 5 s", async () => {
  await using scene = await PostgresScene.open();
  await using pair = await follow(scene.postgres.url);
  await untilNotified(pair);
  await scene.query("delete from rs_stream_sessions");
  const end = await within(5_000, "the follower's end", pair.follower.ended);
  expect(end).toMatchObject({ kind: "errored", error: { code: "PRODUCER_LOST" } });
});
