// The Postgres rows: each measures one thing of this library, and the floor where there is one.

import { setTimeout as pass } from "node:timers/promises";
import { Client } from "pg";
import { TcpProxy } from "../../test/support/proxy.ts";
import type { PostgresServer } from "../../test/support/postgres-server.ts";
import { Child } from "../lib/calls.ts";
import type { SourceSpec } from "../lib/source.ts";
import { median, percentile } from "../lib/statistics.ts";
import { asIs, freshId, milliseconds, perSecond } from "../rows/row.ts";
import type { PostgresWorker } from "./worker.ts";

export interface PostgresLine {
  label: string;
  floor?: number;
  ours: number;
  show: (value: number) => string;
  target: string;
  isReached: boolean;
}

export interface PostgresSetting {
  server: PostgresServer;
  producer: Child<PostgresWorker>;
  follower: Child<PostgresWorker>;
}

const ROUNDS = 3;
const ONE_WAY_MS = 25;
/** How late a backend tells the server's counters what it did. */
const COUNTERS_LAG_MS = 1_500;

export const POSTGRES_ROWS: Record<string, (setting: PostgresSetting) => Promise<PostgresLine[]>> = {
  async throughput({ producer }) {
    const source: SourceSpec = { kind: "burst", chunks: 400_000, chunkLength: 10 };
    const rates: number[] = [];
    const floors: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      rates.push((source.chunks / (await producer.call("burst", { id: freshId(), source }))) * 1000);
      floors.push((source.chunks / (await producer.call("floor", { source }))) * 1000);
    }
    const [ours, floor] = [median(rates.slice(1)), median(floors.slice(1))];
    return [
      line(
        { label: "Postgres: chunks/s, one stream", ours, floor, show: perSecond, target: "≥ 280k" },
        ours >= 280_000,
      ),
    ];
  },

  async cost({ producer, server }) {
    const slow = { chunks: 2_000, chunkLength: 5, everyMs: 3 };
    const perCharacter = await counted(server, () => producer.call("trickle", { id: freshId(), ...slow }));
    const steady = { chunks: 2_000, chunkLength: 5, everyMs: 5 };
    const perChunk = await counted(server, () => producer.call("trickle", { id: freshId(), ...steady }));
    const bytes = perCharacter.walBytes / (slow.chunks * slow.chunkLength);
    const transactions = perChunk.transactions / steady.chunks;
    return [
      line(
        {
          label: "Postgres: WAL bytes per character at 5 characters / 3 ms, unwatched",
          ours: bytes,
          show: asIs(1),
          target: "≤ 30",
        },
        bytes <= 30,
      ),
      line(
        {
          label: "Postgres: transactions per chunk at 200 chunks/s, unwatched",
          ours: transactions,
          show: asIs(2),
          target: "≤ 0.25",
        },
        transactions <= 0.25,
      ),
    ];
  },

  async idle({ producer, follower, server }) {
    const id = freshId();
    await producer.call("start", { id, isHeld: true, source: { kind: "burst", chunks: 1, chunkLength: 10 } });
    await follower.call("follow", { id, count: 20 });
    // An idle backend tells its counters after 10 s: what attaching cost isn't part of this.
    await pass(12_000);
    const seconds = 15;
    const { transactions } = await counted(server, () => pass(seconds * 1000));
    const ours = transactions / seconds;
    return [
      line(
        {
          label: "Postgres: 20 idle followers and their producer, transactions/s",
          ours,
          show: asIs(2),
          target: "≤ 2",
        },
        ours <= 2,
      ),
    ];
  },

  async latency({ producer, follower }) {
    const id = freshId();
    await producer.call("start", {
      id,
      isHeld: false,
      source: { kind: "stamped", chunks: 800, everyMs: 10 },
    });
    await follower.call("follow", { id, count: 1 });
    const latencies = await follower.call("latencies", { id });
    const [half, most] = [median(latencies), percentile(latencies, 99)];
    return [
      line(
        { label: "Postgres: follower latency p50", ours: half, show: milliseconds, target: "≤ 4" },
        half <= 4,
      ),
      line({ label: "Postgres: follower latency p99", ours: most, show: milliseconds, target: "" }, true),
    ];
  },

  async resume({ producer, follower, server }) {
    const [id, units] = [freshId(), 10_000_000];
    await producer.call("start", {
      id,
      isHeld: true,
      source: { kind: "burst", chunks: 100_000, chunkLength: 100 },
    });
    await stored(server, { id, units });
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) took.push(await follower.call("resume", { id, units }));
    const ours = median(took);
    return [
      line(
        { label: "Postgres: resume of a 10 MB backlog", ours, show: milliseconds, target: "≤ 600 ms" },
        ours <= 600,
      ),
    ];
  },

  async trips({ producer, server }) {
    await using proxy = await TcpProxy.start(server.port, { toServerMs: ONE_WAY_MS, toClientMs: ONE_WAY_MS });
    const url = server.url.replace(`:${server.port}/`, `:${proxy.port}/`);
    await using far = await Child.start<PostgresWorker>("postgres/worker.ts");
    await far.call("open", { url });
    const id = freshId();
    await producer.call("start", {
      id,
      isHeld: true,
      source: { kind: "burst", chunks: 10, chunkLength: 20 },
    });
    await stored(server, { id, units: 200 });
    const trips: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const ping = await far.call("pingMs", undefined);
      trips.push((await far.call("resume", { id, units: 1 })) / ping);
    }
    // A backend's first look at a table loads its catalog, which is no round trip.
    const ours = median(trips.slice(1));
    return [
      line(
        { label: "Postgres: first byte of a resume, round trips", ours, show: asIs(1), target: "≤ 1.1" },
        ours < 1.15,
      ),
    ];
  },
};

function line(values: Omit<PostgresLine, "isReached">, isReached: boolean): PostgresLine {
  return { ...values, isReached };
}

interface Cost {
  transactions: number;
  walBytes: number;
}

/** What the server's own counters say that something cost. */
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

async function stored(server: PostgresServer, { id, units }: { id: string; units: number }): Promise<void> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  const statement = "select 1 from rs_stream_sessions where stream_id like $1 and last_offset >= $2";
  while ((await client.query(statement, [`%:${id}`, units])).rows.length === 0) await pass(10);
  await client.end();
}
