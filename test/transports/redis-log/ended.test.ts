// How long a stream that has ended is kept for a server that may lose its end.

import { expect, onTestFinished, test } from "vitest";
import { Redis } from "ioredis";
import { createResumableStreamContext } from "../../../src/redis.ts";
import { sourceOf } from "../../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../../src/testing/reading.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/wait.ts";

const LEASE_MS = 1_000;

test("one lease, however often its connections are lost and back", async () => {
  await using redis = await RedisServer.start();
  const clients = [1, 2].map(() => new Redis(redis.url, { retryStrategy: () => 10 }));
  const [publisher, subscriber] = clients as [Redis, Redis];
  for (const client of clients) client.on("error", () => undefined);
  const context = createResumableStreamContext({
    keepText: true,
    leaseMs: LEASE_MS,
    waitUntil: null,
    publisher,
    subscriber,
    onError: () => undefined,
  });
  onTestFinished(async () => {
    await context.close();
    for (const client of clients) client.disconnect();
  });
  await expectClosed(read(await context.createNewResumableStream("s", sourceOf(["text"]))), "text");

  const scripts = async (): Promise<number> => (await redis.commandCounts())["evalsha"] ?? 0;
  /** How many writes a loss of connections is followed by. */
  const writesOfLoss = async (lose: () => Promise<unknown>): Promise<number> => {
    const before = await scripts();
    await lose();
    await until(async () => (await publisher.ping()) === "PONG" && subscriber.status === "ready", {
      what: "connections",
    });
    // Behind whatever the reconnect has sent.
    await publisher.ping();
    return (await scripts()) - before;
  };
  const all = (): Promise<unknown> => redis.killConnections();
  // Of both, each may be back by itself, and have it written: two, if the first write is over by then.
  const one = async (): Promise<unknown> =>
    redis.command("CLIENT", "KILL", "ID", String(await publisher.client("ID")));
  const endedAt = performance.now();
  expect(await writesOfLoss(one)).toBe(1);
  // Often enough for none of the pauses to be as long as a lease.
  while (performance.now() - endedAt < 1.5 * LEASE_MS) await writesOfLoss(all);
  expect(await writesOfLoss(all)).toBe(0);
});
