// Row: a claim that takes longer than its caller waits, over a pool that has few connections.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { expectClosed, read, readWhole } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

/** Longer than the lease, and than what the test takes. */
const SLOW_S = 12;
const LEASE_MS = 2_000;

test.each([2, 3])(
  "a pool of %d has a connection left for the streams that run, however late a claim is (G4, G16)",
  async (max) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    await database.query(
      `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(${SLOW_S}); return new; end $$`,
    );
    await database.query(
      "create trigger slow before insert on rs_stream_sessions for each row when (new.stream_id like '%slow') execute function slow()",
    );
    const pool = new Pool({ connectionString: database.url, max });
    const context = createPostgresResumableStreamContext({
      pool,
      waitUntil: null,
      claimTimeoutMs: 500,
      leaseMs: LEASE_MS,
      onError: () => undefined,
    });
    onTestFinished(() => context.close().then(() => pool.end()));
    const source = manualSource();
    const reading = read(await context.createNewResumableStream("runs", source.makeStream));
    const leaseLeftMs = async (): Promise<number> => {
      const [row] = await database.query(
        "select extract(epoch from lease_expires_at - now()) * 1000 as left from rs_stream_sessions where stream_id like '%runs'",
      );
      return Number(row?.["left"]);
    };
    await until(async () => (await listening(database)) === 1, { what: "the connection that listens" });
    const startedAt = performance.now();
    // Its caller gives it up.
    await readWhole(context.createNewResumableStream("slow", sourceOf(["text"])));
    await until(
      async () => {
        expect(await leaseLeftMs()).toBeGreaterThan(0);
        return performance.now() - startedAt > 2 * LEASE_MS;
      },
      { what: "a lease that was renewed meanwhile" },
    );
    source.push("text");
    source.end();
    await expectClosed(reading, "text");
  },
);

async function listening(database: Awaited<ReturnType<typeof createDatabase>>): Promise<number> {
  const [row] = await database.query(
    "select count(*)::int as count from pg_stat_activity where datname = current_database() and query like 'listen %'",
  );
  return Number(row?.["count"]);
}
