// What followers of a kept text wait for: live, and when they read all of it again.

import { openLatency } from "../lib/latency.ts";
import { atMost } from "../lib/line.ts";
import { meanInARow } from "../lib/in-a-row.ts";
import { freshId, startPair } from "../lib/pair.ts";
import { nowMicros, unitsOf, type SourceSpec } from "../lib/source.ts";
import { connectedClient } from "../peers/client.ts";
import type { KeptRow } from "./setting.ts";

const STAMPS: SourceSpec = { kind: "stamped", chunks: 400, everyMs: 3 };
/** Of a process that has served for a while: the first few are slower, as their code isn't compiled yet. */
const REPLAYS = 8;
const REPLAYED: SourceSpec = { kind: "burst", chunks: 100_000, chunkLength: 100 };

export const latency: KeptRow = {
  name: "latency",
  rounds: 5,
  lines: [50, 99].map((percent) => ({
    key: `p${percent}`,
    label: `live latency p${percent}, beside the relay`,
    unit: "ms",
    bounds: [atMost(1.4, "floor")],
    tried:
      "A live chunk is a script that stores and publishes, where the relay's is a PUBLISH: 0.1 ms more in this run and in those before, in which it was 1.2 times the relay's, whose own time lay between 0.18 and 0.52 ms.",
  })),
  contenders: {
    floor: ({ redis }) => openLatency("ours", redis, STAMPS),
    ours: ({ redis }) => openLatency("kept", redis, STAMPS),
  },
};

export const replay: KeptRow = {
  name: "replay",
  rounds: 5,
  lines: [
    {
      key: "ms",
      label: "replay of 10 MB, beside GET",
      unit: "ms",
      bounds: [atMost(1.5, "floor")],
      tried:
        "What is sealed is read by a plain XRANGE, pages are asked for ahead, and equal reads of a turn are one: 2.4 to 3.4 before, for the first five replays of a process 0.8 to 2.5 since. Pages of twice the size gained nothing. GET makes one string of one answer; a replay joins 160 pages of 64 KiB, so that none is larger (G9).",
    },
  ],
  contenders: {
    async floor({ redis }) {
      const client = await connectedClient(redis.url);
      await client.set("whole", "x".repeat(unitsOf(REPLAYED)));
      return {
        measure: async () => ({
          ms: await meanInARow(REPLAYS, async () => {
            const startedAt = nowMicros();
            await client.get("whole");
            return (nowMicros() - startedAt) / 1_000;
          }),
        }),
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
        measure: async () => ({
          ms: await meanInARow(REPLAYS, () => followers.call("resumeMs", { id, units: unitsOf(REPLAYED) })),
        }),
        ...pair,
      };
    },
  },
};
