// Commands, by the server's own counters.

import { setTimeout as pass } from "node:timers/promises";
import type { RedisServer } from "../../test/support/redis-server.ts";
import { unitsOf, type SourceSpec } from "../lib/source.ts";
import { asIs, freshId, startPair, startProducer, type Row } from "./row.ts";

export const unfollowedCommands: Row = {
  name: "commands of a stream nobody follows",
  rounds: 3,
  lines: [
    {
      key: "commands",
      label: "Redis commands of a stream nobody follows (1000 chunks)",
      show: asIs(0),
      target: "≤ 5, none per chunk",
      isReached: ({ ours }) => ours <= 5,
    },
  ],
  async open(peer, { redis }) {
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
  },
};

const CHUNKS = 200;

export const publishes: Row = {
  name: "publishes with 50 followers",
  rounds: 3,
  lines: [
    {
      key: "publishes",
      label: "publishes per chunk, 50 followers in one process",
      show: asIs(2),
      target: "≤ 1.0",
      isReached: ({ ours }) => ours <= 1,
    },
  ],
  async open(peer, { redis }) {
    const { producer, followers, ...pair } = await startPair(peer, {
      producerUrl: redis.url,
      followersUrl: redis.url,
    });
    return {
      measure: async () => {
        const id = freshId();
        const source: SourceSpec = { kind: "stamped", chunks: CHUNKS, everyMs: 3 };
        const { publish: before = 0 } = await redis.commandCounts();
        await producer.call("start", { id, source });
        await followers.call("attach", { id, count: 50, records: "units" });
        await producer.call("go", { id });
        await followers.call("ended", { id, units: unitsOf(source) });
        const { publish: after = 0 } = await redis.commandCounts();
        return { publishes: (after - before) / CHUNKS };
      },
      ...pair,
    };
  },
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
