// Row: the app's own queries hold all connections of the pool for longer than a lease. Nobody died, so nobody is lost.

import { expect, inject, test } from "vitest";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { openProcess, type PostgresProcess } from "../support/postgres-process.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

const LEASE_MS = 2_000;

function open(connectionString: string): PostgresProcess {
  return openProcess(
    { connectionString, max: 3 },
    { leaseMs: LEASE_MS, claimTimeoutMs: LEASE_MS / 2, onError: () => undefined },
  );
}

test.each(["producer", "follower"])(
  "an app that holds the whole pool of the %s for three leases ends no stream (G4, G16)",
  { timeout: 30_000 },
  async (whose) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    await using producing = open(database.url);
    await using following = open(database.url);
    await using watching = open(database.url);
    const source = manualSource();
    const own = read(await producing.context.createNewResumableStream("s", source.makeStream));
    const reading = read(await following.context.resumeExistingStream("s"));
    source.push("text ");
    await reading.reached(5);
    const { pool } = whose === "producer" ? producing : following;
    // All but the one that listens.
    const held = await Promise.all([pool.connect(), pool.connect()]);
    const heldAt = performance.now();
    const answers = new Set<unknown>();
    await until(
      async () => {
        source.push(".");
        answers.add(await watching.context.hasExistingStream("s"));
        return performance.now() - heldAt > 3 * LEASE_MS;
      },
      { what: "three leases" },
    );
    for (const client of held) client.release();
    source.push("the rest");
    source.end();
    await own.ended;
    await expectClosed(reading, own.text());
    expect([...answers]).toEqual([true]);
  },
);
