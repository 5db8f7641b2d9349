// What streams cost the server, by its own counters.

import { setTimeout as pass } from "node:timers/promises";
import { Client } from "pg";
import type { PostgresServer } from "../../test/support/postgres-server.ts";
import { atMost } from "../lib/line.ts";
import { freshId } from "../lib/pair.ts";
import { startWorkers, type PostgresRow } from "./setting.ts";

/** How late a backend tells the server's counters what it did. */
const COUNTERS_LAG_MS = 1_500;
const IDLE_SECONDS = 60;
const SLOW = { chunks: 1_000, chunkLength: 5, everyMs: 3 };
const STEADY = { chunks: 1_000, chunkLength: 5, everyMs: 5 };
/** 20 tokens a second, as a model gives them. */
const MODEL = { chunks: 160, chunkLength: 5, everyMs: 50 };

export const smallChunks: PostgresRow = {
  name: "small chunks",
  rounds: 1,
  warmsUp: false,
  lines: [
    {
      key: "bytes",
      label: "WAL bytes per character at 5 characters / 3 ms, unwatched",
      unit: "count",
      bounds: [atMost(30)],
    },
    {
      key: "transactions",
      label: "transactions per chunk at 200 chunks/s, unwatched",
      unit: "count",
      bounds: [atMost(0.25)],
    },
  ],
  contenders: {
    async ours({ server }) {
      const { producer, ...workers } = await startWorkers(server.url);
      const trickle = (spec: typeof SLOW): Promise<void> =>
        producer.call("trickle", { id: freshId(), ...spec });
      return {
        async measure() {
          const { walBytes } = await counted(server, () => trickle(SLOW));
          const { transactions } = await counted(server, () => trickle(STEADY));
          return {
            bytes: walBytes / (SLOW.chunks * SLOW.chunkLength),
            transactions: transactions / STEADY.chunks,
          };
        },
        ...workers,
      };
    },
  },
};

export const modelPace: PostgresRow = {
  name: "model's pace",
  rounds: 1,
  warmsUp: false,
  lines: [
    {
      key: "unwatched",
      label: "WAL bytes per character at 20 chunks/s of 5 characters, unwatched",
      unit: "count",
      bounds: [atMost(30)],
    },
    {
      key: "followed",
      label: "… followed",
      unit: "count",
      bounds: [atMost(60)],
    },
    {
      key: "transactions",
      label: "… followed, transactions per chunk",
      unit: "count",
      bounds: [atMost(1.2)],
      tried:
        "By the statements that are sent it is 1.0: one writes, one notifies and one reads, for three chunks. A backend that listens counts a transaction of its own for each notification in its database, and the server adds those of two processes once their backends say so: a run that looked before had 1.01.",
    },
  ],
  contenders: {
    async ours({ server }) {
      const { producer, follower, ...workers } = await startWorkers(server.url);
      const characters = MODEL.chunks * MODEL.chunkLength;
      const trickle = (id: string, chunks: number): Promise<void> =>
        producer.call("trickle", { id, ...MODEL, chunks });
      return {
        async measure() {
          // The first change of a page after a checkpoint writes all of it.
          await trickle(freshId(), 20);
          const unwatched = await counted(server, () => trickle(freshId(), MODEL.chunks));
          const id = freshId();
          const followed = await counted(server, async () => {
            const running = trickle(id, MODEL.chunks);
            await follower.call("follow", { id, count: 1 });
            await running;
          });
          return {
            unwatched: unwatched.walBytes / characters,
            followed: followed.walBytes / characters,
            transactions: followed.transactions / MODEL.chunks,
          };
        },
        ...workers,
      };
    },
  },
};

export const idle: PostgresRow = {
  name: "idle",
  rounds: 1,
  warmsUp: false,
  lines: [
    {
      key: "transactions",
      label: "20 idle followers and their producer, transactions/s",
      unit: "count",
      bounds: [atMost(0.5)],
    },
  ],
  contenders: {
    async ours({ server }) {
      const { producer, follower, ...workers } = await startWorkers(server.url);
      return {
        async measure() {
          const id = freshId();
          const source = { kind: "burst" as const, chunks: 1, chunkLength: 10 };
          await producer.call("start", { id, isHeld: true, source });
          await follower.call("follow", { id, count: 20 });
          // An idle backend tells its counters after 10 s: what attaching cost isn't part of this.
          await pass(15_000);
          const { transactions } = await counted(server, () => pass(IDLE_SECONDS * 1000));
          // The counters' lag is part of what they count.
          return { transactions: transactions / (IDLE_SECONDS + COUNTERS_LAG_MS / 1000) };
        },
        ...workers,
      };
    },
  },
};

interface Cost {
  transactions: number;
  walBytes: number;
}

async function counted(server: PostgresServer, act: () => Promise<void>): Promise<Cost> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    const before = await counters(client);
    await act();
    const after = await counters(client);
    // Of our own there is one: the first look.
    return {
      transactions: after.transactions - before.transactions - 1,
      walBytes: after.walBytes - before.walBytes,
    };
  } finally {
    await client.end();
  }
}

async function counters(client: Client): Promise<Cost> {
  await pass(COUNTERS_LAG_MS);
  const { rows } = await client.query<{ transactions: string; wal: string }>(
    `select xact_commit + xact_rollback as transactions, pg_current_wal_insert_lsn() - '0/0' as wal
     from pg_stat_database where datname = current_database()`,
  );
  return { transactions: Number(rows[0]?.transactions), walBytes: Number(rows[0]?.wal) };
}
