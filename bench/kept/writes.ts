// How often a stream at the pace of a model writes.

import type { RedisServer } from "../../test/support/redis-server.ts";
import { atMost } from "../lib/line.ts";
import { freshId, startPair, startProducer } from "../lib/pair.ts";
import { unitsOf } from "../lib/source.ts";
import { MODEL, type KeptRow } from "./setting.ts";

/** A stream's claim and its end are no writes of chunks. */
const FRAME = 2;

export const unwatched: KeptRow = {
  name: "writes unwatched",
  rounds: 1,
  warmsUp: false,
  lines: [
    { key: "writes", label: "writes per chunk that nobody waits for", unit: "count", bounds: [atMost(0.12)] },
  ],
  contenders: {
    async ours({ redis }) {
      const producer = await startProducer("kept", redis.url);
      return {
        measure: async () => {
          const before = await scriptsRun(redis);
          await producer.call("pacedCpuMs", { streams: 1, source: MODEL, isFloor: false });
          return { writes: ((await scriptsRun(redis)) - before - FRAME) / MODEL.chunks };
        },
        [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
      };
    },
  },
};

export const watched: KeptRow = {
  name: "writes watched",
  rounds: 1,
  warmsUp: false,
  lines: [
    {
      key: "writes",
      label: "scripts per chunk that a follower waits for, its reads among them",
      unit: "count",
      bounds: [atMost(1.05)],
    },
  ],
  contenders: {
    async ours({ redis }) {
      const { producer, followers, ...pair } = await startPair("kept", {
        producerUrl: redis.url,
        followersUrl: redis.url,
      });
      return {
        measure: async () => {
          const id = freshId();
          await producer.call("start", { id, source: MODEL });
          await followers.call("attach", { id, count: 1, records: "units" });
          const before = await scriptsRun(redis);
          await producer.call("go", { id });
          await followers.call("ended", { id, units: unitsOf(MODEL) });
          return { writes: ((await scriptsRun(redis)) - before) / MODEL.chunks };
        },
        ...pair,
      };
    },
  },
};

async function scriptsRun(redis: RedisServer): Promise<number> {
  const counts = await redis.commandCounts();
  return ["eval", "evalsha", "eval_ro", "evalsha_ro"].reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}
