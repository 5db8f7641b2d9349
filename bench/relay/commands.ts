// Commands, by the server's own counters.

import { setTimeout as pass } from "node:timers/promises";
import type { RedisServer } from "../../test/support/redis-server.ts";
import { atMost } from "../lib/line.ts";
import { freshId, peers, startPair, startProducer } from "../lib/pair.ts";
import { unitsOf, type SourceSpec } from "../lib/source.ts";
import type { RelayRow } from "./setting.ts";

export const unfollowedCommands: RelayRow = {
  name: "commands of a stream nobody follows",
  rounds: 2,
  lines: [
    {
      key: "commands",
      label: "Redis commands of a stream nobody follows (1000 chunks)",
      unit: "count",
      bounds: [atMost(5)],
    },
  ],
  contenders: peers(async (peer, { redis }) => {
    const producer = await startProducer(peer, redis.url);
    return {
      measure: async () => {
        const before = await redis.commandCounts();
        const source: SourceSpec = { kind: "burst", chunks: 1000, chunkLength: 20 };
        await producer.call("unfollowed", { id: freshId(), source, bare: false });
        return { commands: await settledCount(redis, total(before)) };
      },
      [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
    };
  }),
};

const CHUNKS = 200;

export const publishes: RelayRow = {
  name: "publishes with 50 followers",
  rounds: 2,
  lines: [
    {
      key: "publishes",
      label: "publishes per chunk, 50 followers in one process",
      plain: "Redis messages per word, 50 readers",
      unit: "count",
      bounds: [atMost(1)],
    },
  ],
  contenders: peers(async (peer, { redis }) => {
    const { producer, followers, ...pair } = await startPair(peer, {
      producerUrl: redis.url,
      followersUrl: redis.url,
    });
    return {
      measure: async () => {
        const id = freshId();
        const source: SourceSpec = { kind: "stamped", chunks: CHUNKS, everyMs: 3 };
        await producer.call("start", { id, source });
        await followers.call("attach", { id, count: 50, records: "units" });
        // What attaching costs isn't a chunk's.
        const { publish: before = 0 } = await redis.commandCounts();
        await producer.call("go", { id });
        await followers.call("ended", { id, units: unitsOf(source) });
        const { publish: after = 0 } = await redis.commandCounts();
        return { publishes: (after - before) / CHUNKS };
      },
      ...pair,
    };
  }),
};

/** Commands since `before`, once no more come: an end is written behind its reader's back. */
async function settledCount(redis: RedisServer, before: number): Promise<number> {
  let last = -1;
  for (;;) {
    const now = total(await redis.commandCounts()) - before;
    if (now === last) return now;
    last = now;
    await pass(200);
  }
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, calls) => sum + calls, 0);
}
