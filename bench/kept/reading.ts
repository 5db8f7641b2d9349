// What followers of a kept text wait for: live, and when they read all of it again.

import type { RedisServer } from "../../test/support/redis-server.ts";
import { atMost } from "../lib/line.ts";
import { freshId, startPair } from "../lib/pair.ts";
import type { Measurement } from "../lib/row.ts";
import { nowMicros, unitsOf, type SourceSpec } from "../lib/source.ts";
import { percentile } from "../lib/statistics.ts";
import { connectedClient } from "../peers/client.ts";
import type { PeerName } from "../peers/peer.ts";
import type { KeptRow } from "./setting.ts";

const STAMPS: SourceSpec = { kind: "stamped", chunks: 400, everyMs: 3 };
const REPLAYED: SourceSpec = { kind: "burst", chunks: 100_000, chunkLength: 100 };

export const latency: KeptRow = {
  name: "latency",
  rounds: 5,
  lines: [50, 99].map((percent) => ({
    key: `p${percent}`,
    label: `live latency p${percent}, beside the relay`,
    unit: "ms",
    bounds: [atMost(1.4, "floor")],
  })),
  contenders: {
    floor: ({ redis }) => openLatency("ours", redis),
    ours: ({ redis }) => openLatency("kept", redis),
  },
};

async function openLatency(peer: PeerName, redis: RedisServer): Promise<Measurement> {
  const { producer, followers, ...pair } = await startPair(peer, {
    producerUrl: redis.url,
    followersUrl: redis.url,
  });
  return {
    measure: async () => {
      const id = freshId();
      await producer.call("start", { id, source: STAMPS });
      await followers.call("attach", { id, count: 1, records: "latencies" });
      await producer.call("go", { id });
      const { latenciesMs } = await followers.call("ended", { id, units: unitsOf(STAMPS) });
      return { p50: percentile(latenciesMs, 50), p99: percentile(latenciesMs, 99) };
    },
    ...pair,
  };
}

export const replay: KeptRow = {
  name: "replay",
  rounds: 5,
  lines: [{ key: "ms", label: "replay of 10 MB, beside GET", unit: "ms", bounds: [atMost(1.5, "floor")] }],
  contenders: {
    async floor({ redis }) {
      const client = await connectedClient(redis.url);
      await client.set("whole", "x".repeat(unitsOf(REPLAYED)));
      return {
        measure: async () => {
          const startedAt = nowMicros();
          await client.get("whole");
          return { ms: (nowMicros() - startedAt) / 1_000 };
        },
        [Symbol.asyncDispose]: async () => client.destroy(),
      };
    },
    async ours({ redis }) {
      const { producer, followers, ...pair } = await startPair("kept", {
        producerUrl: redis.url,
        followersUrl: redis.url,
      });
      const id = freshId();
      await producer.call("unfollowed", { id, source: REPLAYED, bare: false });
      return {
        measure: async () => ({ ms: await followers.call("resumeMs", { id, units: unitsOf(REPLAYED) }) }),
        ...pair,
      };
    },
  },
};
