// Row: somebody has a whole table locked, as a migration of the app does, for longer than a statement may take.

import { Client, Pool, type PoolConfig } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { expectClosed } from "../../src/testing/reading.ts";
import { Pooler } from "../support/pooler.ts";
import { PostgresServer } from "../support/postgres-server.ts";
import { openFollowedStreams } from "../support/followed-streams.ts";
import { setUpTables } from "../support/postgres-tables.ts";

const CONNECTIONS = 4;
const CLAIM_TIMEOUT_MS = 300;
/** Some twenty statements are given up meanwhile. */
const LOCKED_MS = 5_000;

function over(config: PoolConfig): DurableStreamContext {
  const pool = new Pool({ ...config, max: CONNECTIONS });
  const options = { claimTimeoutMs: CLAIM_TIMEOUT_MS, waitUntil: null, onError: () => undefined };
  const context = createPostgresResumableStreamContext({ pool, ...options });
  onTestFinished(() => context.close().then(() => pool.end()));
  return context;
}

test.each([
  ["plainly", false, false],
  ["by TLS", true, false],
  ["through a pooler", false, true],
])(
  "statements that are given up while a table is locked don't go on waiting on the server, reached %s (G16)",
  { timeout: 60_000 },
  async (_, speaksTls, isPooled) => {
    await using server = await PostgresServer.start({ speaksTls });
    await setUpTables(server.url);
    await using pooler = isPooled ? await Pooler.start(server.url) : undefined;
    const ssl = speaksTls ? { rejectUnauthorized: false } : false;
    const config: PoolConfig = { connectionString: pooler?.url ?? server.url, ssl };
    const [producing, following] = [over(config), over(config)];
    const streams = await openFollowedStreams(4, { producing, following });
    // A transaction sees the server's activity as it was when it first looked.
    const [other, observer] = [1, 2].map(() => new Client({ connectionString: server.url })) as [
      Client,
      Client,
    ];
    await Promise.all([other.connect(), observer.connect()]);
    await other.query("begin; lock table rs_stream_sessions in access exclusive mode");
    const lockedAt = performance.now();
    let [dots, mostWaiting] = ["", 0];
    while (performance.now() - lockedAt < LOCKED_MS) {
      for (const { source } of streams) source.push(".");
      dots += ".";
      await following.hasExistingStream(`s${dots.length % streams.length}`).catch(() => undefined);
      const { rows } = await observer.query<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'",
      );
      mostWaiting = Math.max(mostWaiting, rows[0]?.n ?? 0);
    }
    await other.query("commit");
    await Promise.all([other.end(), observer.end()]);
    // Statements that wait in time, and such as are being cancelled.
    expect(mostWaiting).toBeLessThanOrEqual(2 * CONNECTIONS);
    for (const { source, reading } of streams) {
      source.push("after");
      source.end();
      await expectClosed(reading, `before ${dots}after`);
    }
  },
);
