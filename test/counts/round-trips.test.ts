// How many round trips a reader waits for its first byte, on a server that is far away.

import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { createClient } from "redis";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { TcpProxy } from "../support/proxy.ts";
import { usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();
/** Far enough for a busy machine's own delays to be small beside it. */
const ONE_WAY_MS = 100;
const ROUNDS = 5;

test.each(["resumableStream", "createNewResumableStream"] as const)(
  "the first byte of a new stream takes one round trip (%s)",
  async (call) => {
    await using proxy = await TcpProxy.start(redis.server().port, {
      toServerMs: ONE_WAY_MS,
      toClientMs: ONE_WAY_MS,
    });
    const context = await redis.createContext("redis-6", proxy.url);
    const trips = await roundTrips(proxy.url, async () => {
      const primary = read(await context[call](freshId(), sourceOf(["text"])));
      await primary.reached(4);
    });
    expect(trips).toBeLessThanOrEqual(1.1);
  },
);

test("the first byte of a resume takes two round trips", async () => {
  await using proxy = await TcpProxy.start(redis.server().port, {
    toServerMs: ONE_WAY_MS,
    toClientMs: ONE_WAY_MS,
  });
  const producer = await redis.createContext();
  const contexts = await Promise.all(
    Array.from({ length: ROUNDS }, () => redis.createContext("redis-6", proxy.url)),
  );
  const id = freshId();
  const source = manualSource();
  const primary = read(await producer.createNewResumableStream(id, source.makeStream));
  source.push("text");
  await primary.reached(4);
  // A context that never followed before, each time: no subscription of its process is there to be shared.
  const trips = await roundTrips(proxy.url, async (round) => {
    const follower = read(await contexts[round]?.resumeExistingStream(id));
    await follower.reached(4);
  });
  expect(trips).toBeLessThanOrEqual(2.1);
});

/** The best of several rounds, in round trips of a PING on the same way: a busy machine only adds to it. */
async function roundTrips(url: string, act: (round: number) => Promise<void>): Promise<number> {
  const client = createClient({ url });
  await client.connect();
  const pings = await times(() => client.ping());
  const acts = await times(act);
  client.destroy();
  return Math.min(...acts) / Math.min(...pings);
}

async function times(act: (round: number) => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    await act(round);
    took.push(performance.now() - start);
  }
  return took;
}
