// What a stream that runs takes of the server's memory, after each of its writes.

import { expect, onTestFinished, test } from "vitest";
import { Redis } from "ioredis";
import { connectLog } from "../../src/contexts/redis-log.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { freshId } from "../../src/testing/contract.ts";
import { keysOf } from "../../src/transports/redis-log/names.ts";
import { RedisStore } from "../../src/transports/redis-log/store.ts";
import { usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();

// A chunk of a model, what gathers in 50, in 200 and in 1,000 ms, and more.
test.each([5, 22, 87, 435, 1_100])(
  "a text that grows by %i characters takes at most 1.7 bytes for each, at any length from 2 to 100 KB",
  async (step) => {
    const { client, store } = open();
    const key = store.keyOf(freshId());
    const ask = { mode: "supersede", handovers: null, isOwedGivenUp: true } as const;
    const claimed = await store.claim(key, ask, () => undefined);
    if (!claimed) throw new Error("a claim that takes whatever there is wasn't won");
    const sizes: { length: number; perCharacter: number }[] = [];
    for (let from = 0; from < 100_000; from += step) {
      const length = from + step;
      const pieces = [{ from, text: "x".repeat(step) }];
      const [answer] = await store.append([
        { key, claimed, pieces, from, tail: length, end: undefined, owed: null },
      ]);
      expect(answer?.status).toBe("written");
      const isAsked = length < 16_000 || Math.floor(length / 1_000) > Math.floor(from / 1_000);
      if (length < 2_000 || !isAsked) continue;
      const keys = Object.values(keysOf(key));
      const usages = await Promise.all(keys.map((each) => client.call("MEMORY", "USAGE", each)));
      const bytes = usages.reduce<number>((sum, usage) => sum + Number(usage), 0);
      sizes.push({ length, perCharacter: bytes / length });
    }
    const most = sizes.reduce((a, b) => (b.perCharacter > a.perCharacter ? b : a));
    expect(most.perCharacter, `at ${most.length}`).toBeLessThanOrEqual(1.7);
  },
);

function open(): { client: Redis; store: RedisStore } {
  const { url } = redis.server();
  const [client, subscriber] = [new Redis(url), new Redis(url)];
  onTestFinished(() => {
    for (const each of [client, subscriber]) each.disconnect();
  });
  const store = new RedisStore({
    connection: connectLog({ publisher: client, subscriber }),
    keyPrefix: "resumable-stream",
    retentionSeconds: 86_400,
    leaseMs: 10_000,
    requestTimeoutMs: 5_000,
    clock: systemClock,
    name: freshId(),
    onError: (error) => {
      throw error;
    },
  });
  return { client, store };
}
