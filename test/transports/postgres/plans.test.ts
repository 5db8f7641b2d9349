// What statements cost in a table that a year has filled: the plan of an empty one. The planner takes a JSON parameter for a
// hundred rows, and would read all sessions for one.

import { Client } from "pg";
import { expect, inject, test } from "vitest";
import { createQueries, type Queries } from "../../../src/transports/postgres/queries.ts";
import { createDatabase, type PrivateDatabase } from "../../support/postgres-database.ts";
import { setUpTables } from "../../support/postgres-tables.ts";

/** A scan of a table, or of all of an index of one. */
const WHOLE = /Seq Scan on rs_stream|Index (?:Only )?Scan [^\n]* on rs_stream[^\n]*\n(?!\s*Index Cond)/;

const tables = { sessions: "rs_stream_sessions", chunks: "rs_stream_chunks" };
const queries = createQueries({ tables, leaseMs: 10_000, hasGrace: true });

const streams = (count: number, more: object): string =>
  JSON.stringify(Array.from({ length: count }, (_, n) => ({ n, stream_id: `p:rs:live-${n}`, ...more })));

const ids = (count: number): string =>
  JSON.stringify(Array.from({ length: count }, (_, n) => `p:rs:live-${n}`));

type Values = (count: number) => (string | number | boolean | null)[];

/** Of streams that run, at any time. */
const often: Partial<Record<keyof Queries, Values>> = {
  claim: (count) => [ids(count), "supersede", 60_000, null, false, count === 1, "name"],
  append: (count) => [
    streams(count, { epoch: 1, tail: 4 }),
    streams(count, { start: 0, stop: 4, chunk: "text", encoding: null }),
    60_000,
  ],
  read: (count) => [streams(count, { from: 0, units: 65_000, bound: true })],
  check: (count) => [streams(count, {}), "channel", null],
  mark: (count) => [streams(count, {}), 12_000],
  renew: (count) => [streams(count, { epoch: 1 })],
};

/** All but `abandon`, which a process does once, over a database that it has to itself. */
const statements: Record<Exclude<keyof Queries, "abandon">, Values> = {
  ...(often as Record<keyof Queries, Values>),
  status: () => ["p:rs:live-1"],
  stop: () => ["p:rs:live-1", "pressed", null, 0],
  lastEnd: () => ["p:rs:live-1"],
  release: () => ["p:rs:live-1", 1],
  notify: () => [JSON.stringify([["channel", "payload"]])],
  expire: () => [500],
  elect: () => ["p:rs:live-1", 30_000],
  handedOver: () => ["p:rs:live-1", 1, true],
  takeOwed: () => ["p:rs:live-1", 1, 30_000],
};

async function fill({ query }: PrivateDatabase, finished: number): Promise<void> {
  await query(
    `insert into rs_stream_sessions (stream_id, status, epoch, last_offset, expires_at)
     select 'p:rs:done-' || n, 'done', 1, 4, now() + interval '1 day' from generate_series(1, $1::int) n`,
    [finished],
  );
  await query(
    `insert into rs_stream_chunks (stream_id, epoch, seq, start_offset, end_offset, chunk)
     select 'p:rs:done-' || n, 1, 0, 0, 4, 'text' from generate_series(1, $1::int) n`,
    [finished],
  );
  await query(
    `insert into rs_stream_sessions (stream_id, status, epoch, last_offset, lease_expires_at, expires_at)
     select 'p:rs:live-' || n, 'streaming', 1, 0, now() + interval '1 hour', now() + interval '1 day' from generate_series(0, 19) n`,
  );
  await query("analyze rs_stream_sessions");
  await query("analyze rs_stream_chunks");
}

test.each([10_000, 100_000])(
  "with %i finished streams no statement reads a whole table, for one stream or twenty",
  { timeout: 120_000 },
  async (finished) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    await fill(database, finished);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const scans: string[] = [];
    for (const [name, valuesFor] of Object.entries(statements)) {
      const text = queries[name as keyof Queries];
      for (const count of [1, 20]) {
        // As it is planned for these values, and as it is once it is prepared and has run five times.
        for (const mode of ["force_custom_plan", "force_generic_plan"]) {
          await client.query(`set plan_cache_mode = ${mode}`);
          const types = Array.from(valuesFor(count), () => "unknown").join(", ");
          await client.query(`prepare plan_of (${types}) as ${text}`);
          const values = valuesFor(count).map((value) =>
            value === null ? "null" : client.escapeLiteral(String(value)),
          );
          const { rows } = await client.query<Record<string, string>>(
            `explain execute plan_of (${values.join(", ")})`,
          );
          await client.query("deallocate plan_of");
          const plan = rows.map((row) => row["QUERY PLAN"] ?? "").join("\n");
          if (WHOLE.test(plan)) scans.push(`${name} of ${count}, ${mode}:\n${plan}`);
        }
      }
    }
    await client.end();
    expect(scans).toEqual([]);
  },
);

test("what streams that run need isn't planned again once it has run five times, with 10000 finished streams", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await fill(database, 10_000);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  for (const [name, valuesFor] of Object.entries(often)) {
    // A claim has flags, which make a plan of its own cheaper.
    if (name === "claim") continue;
    const text = queries[name as keyof Queries];
    for (let time = 0; time < 20; time += 1) await client.query({ name, text, values: valuesFor(1) });
  }
  const { rows } = await client.query<{ name: string }>(
    "select name from pg_prepared_statements where generic_plans < 10 order by name",
  );
  await client.end();
  expect(rows.map(({ name }) => name)).toEqual([]);
});
