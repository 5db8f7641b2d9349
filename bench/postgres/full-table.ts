// A day's finished streams are still in the table: does an append pay for them? Where nothing waits for the disk, its
// statements are most of the way of a chunk.

import type { Measurement } from "../lib/row.ts";
import { createDatabase } from "../../test/support/postgres-database.ts";
import { setUpTables } from "../../test/support/postgres-tables.ts";
import { atMost } from "../lib/line.ts";
import { freshId } from "../lib/pair.ts";
import { median } from "../lib/statistics.ts";
import { startWorkers, type PostgresRow, type PostgresSetting } from "./setting.ts";

const FINISHED = 10_000;

export const fullTable: PostgresRow = {
  name: "full table",
  rounds: 5,
  lines: [
    {
      key: "ms",
      label: "a chunk to its follower, with 10,000 finished streams in the table",
      unit: "ms",
      bounds: [atMost(1.1, "floor")],
      tried:
        "The plans are those of an empty table, which a test reads with 100,000 streams. What is left is an index one level deeper, and noise: the floor's rounds lie up to 55 % apart.",
    },
  ],
  contenders: {
    floor: (setting) => openTable(setting, 0),
    ours: (setting) => openTable(setting, FINISHED),
  },
};

async function openTable({ server }: PostgresSetting, finished: number): Promise<Measurement> {
  const database = await createDatabase(server.url);
  // Its clients' connections come after this.
  await database.query(
    "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$",
  );
  await setUpTables(database.url);
  await database.query(
    `insert into rs_stream_sessions (stream_id, status, epoch, last_offset, lease_expires_at, expires_at)
     select 'resumable-stream:rs:' || n, 'done', 1, 4, now(), now() + interval '1 day' from generate_series(1, $1::int) n`,
    [finished],
  );
  await database.query(
    `insert into rs_stream_chunks (stream_id, epoch, seq, start_offset, end_offset, chunk)
     select 'resumable-stream:rs:' || n, 1, 0, 0, 4, 'text' from generate_series(1, $1::int) n`,
    [finished],
  );
  await database.query("vacuum analyze");
  const { producer, follower, ...workers } = await startWorkers(database.url, { followedFlushIntervalMs: 0 });
  return {
    async measure() {
      const id = freshId();
      const source = { kind: "stamped" as const, chunks: 150, everyMs: 6 };
      await producer.call("start", { id, isHeld: false, source });
      await follower.call("follow", { id, count: 1 });
      return { ms: median(await follower.call("latencies", { id })) };
    },
    [Symbol.asyncDispose]: async () => {
      await workers[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
