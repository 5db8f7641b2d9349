// What the texts take in Redis, while they run and once they have ended.

import { setTimeout as pass } from "node:timers/promises";
import type { RedisServer } from "../../test/support/redis-server.ts";
import { atMost } from "../lib/line.ts";
import { freshId, startProducer } from "../lib/pair.ts";
import type { KeptRow } from "./setting.ts";

/** Short answers are the dearest: 2.5 KB in the small chunks that models give. */
const ANSWER = { chunks: 500, chunkLength: 5 };
const ANSWERS = 400;

export const memory: KeptRow = {
  name: "memory",
  rounds: 1,
  warmsUp: false,
  lines: [
    {
      key: "ended",
      label: "bytes in Redis per byte of an answer of 2.5 KB, ended",
      unit: "count",
      bounds: [atMost(1.3)],
    },
    { key: "running", label: "… while it runs", unit: "count", bounds: [atMost(1.7)] },
  ],
  contenders: {
    async ours({ redis }) {
      const producer = await startProducer("kept", redis.url);
      const bytes = ANSWERS * ANSWER.chunks * ANSWER.chunkLength;
      const perByte = async (write: (id: string) => Promise<unknown>): Promise<number> => {
        const before = await usedMemory(redis);
        for (let answer = 0; answer < ANSWERS; answer += 1) await write(freshId());
        // An unwatched text is written when it has gathered.
        await pass(1_000);
        return ((await usedMemory(redis)) - before) / bytes;
      };
      return {
        measure: async () => ({
          ended: await perByte((id) =>
            producer.call("unfollowed", { id, source: { kind: "burst", ...ANSWER }, bare: false }),
          ),
          running: await perByte((id) => producer.call("hold", { id, ...ANSWER })),
        }),
        [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
      };
    },
  },
};

async function usedMemory(redis: RedisServer): Promise<number> {
  const info = String(await redis.command("INFO", "memory"));
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
}
