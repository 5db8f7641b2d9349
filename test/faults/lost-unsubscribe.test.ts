// Row: a follower leaves, and its connection breaks before the server has answered that the channel was given back.

import { expect, it } from "vitest";
import { openContext, type OpenedContext } from "../support/contexts.ts";
import { TcpProxy } from "../support/proxy.ts";
import { Reading } from "../support/reading.ts";
import { RedisServer } from "../support/redis-server.ts";
import { SpecifiedSource } from "../support/source.ts";
import { until } from "../support/wait.ts";

const kinds = ["redis-4", "redis-5", "redis-6", "ioredis-5", "ioredis-6"] as const;
const breaks = kinds.flatMap((clients) => [
  { clients, how: "cut" as const },
  { clients, how: "reset" as const },
]);

it.each(breaks)(
  "over $clients, $how, no channel comes back with the connection (G7, G8)",
  async ({ clients, how }) => {
    await using redis = await RedisServer.start();
    await using proxy = await TcpProxy.start(redis.port);
    await using producing = await openContext({ clients, url: redis.url });
    await using following = await openContext({ clients, url: proxy.url });
    const left = await followed(producing, following, "left");
    const others = await redis.pubsubChannels();
    await left.reading.leave();
    // The line loses answers from here on: the server has done what the client will never be told.
    proxy.blackHole("answers");
    await until(async () => (await redis.pubsubChannels()).length < others.length, {
      what: "the follower's channel to be given back",
    });
    proxy[how]();
    proxy.heal();

    // A client that follows something new is back, and has subscribed again to all that it believes to be subscribed to.
    const next = await followed(producing, following, "next");
    await next.reading.leave();
    for (const { source } of [left, next]) source.release();
    await expect.poll(() => redis.pubsubChannels(), { timeout: 15_000 }).toEqual([]);
  },
);

it("over node-redis, many that leave at that moment warn of no leak", async () => {
  const warnings: string[] = [];
  const warn = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", warn);
  await using redis = await RedisServer.start();
  await using proxy = await TcpProxy.start(redis.port);
  await using producing = await openContext({ clients: "redis-6", url: redis.url });
  await using following = await openContext({ clients: "redis-6", url: proxy.url });
  const labels = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const all = await Promise.all(labels.map((label) => followed(producing, following, label)));
  proxy.blackHole("answers");
  await Promise.all(all.map(({ reading }) => reading.leave()));
  const sent = proxy.bytesToServer;
  await until(() => proxy.bytesToServer > sent, { what: "the line to be used" });
  proxy.cut();
  proxy.heal();
  for (const { source } of all) source.release();
  await expect.poll(() => redis.pubsubChannels(), { timeout: 15_000 }).toEqual([]);
  process.off("warning", warn);
  expect(warnings).toEqual([]);
});

interface Followed {
  source: SpecifiedSource;
  reading: Reading;
}

/** A stream that waits in its middle, and a follower that has come as far. */
async function followed(
  producing: OpenedContext,
  following: OpenedContext,
  label: string,
): Promise<Followed> {
  const source = new SpecifiedSource({ label, chunks: 20, everyMs: 5, holdAfter: 10 });
  await producing.context.resumableStream(label, source.make);
  const stream = await until(() => following.context.resumeExistingStream(label).catch(() => undefined), {
    what: "a stream to follow",
  });
  if (stream === null) throw new Error(`"${label}" is done`);
  const reading = new Reading(stream);
  await reading.reached(50);
  return { source, reading };
}
