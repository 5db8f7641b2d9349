// Row: a master is killed under a running stream, and Sentinel makes its replica the master.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { createSentinel } from "redis";
import { expect, it } from "vitest";
import { createResumableStreamContext as ioredisContext } from "../../src/ioredis.ts";
import { createResumableStreamContext as redisContext } from "../../src/redis.ts";
import type { ResumableStreamContext } from "../../src/api/types.ts";
import { MASTER, type Sentinel, startSentinel } from "../support/redis-sentinel.ts";

interface Joined {
  context: Omit<ResumableStreamContext, "hasExistingStream"> & {
    hasExistingStream: (id: string) => Promise<unknown>;
  };
  leave: () => Promise<void>;
}

type Join = (sentinel: Sentinel, keyPrefix: string) => Promise<Joined>;

const ioredis =
  (keepText: boolean): Join =>
  async ({ port }, keyPrefix) => {
    const make = () =>
      new Redis({ sentinels: [{ host: "127.0.0.1", port }], name: MASTER }).on("error", () => undefined);
    const [publisher, subscriber] = [make(), make()];
    const options = { waitUntil: null, onError: () => undefined, keyPrefix, publisher, subscriber };
    const context = keepText ? ioredisContext({ ...options, keepText }) : ioredisContext(options);
    return {
      context,
      leave: async () => {
        publisher.disconnect();
        subscriber.disconnect();
      },
    };
  };

const nodeClient = (port: number) =>
  createSentinel({ name: MASTER, sentinelRootNodes: [{ host: "127.0.0.1", port }] }).on(
    "error",
    () => undefined,
  );

const nodeRedis: Join = async ({ port }, keyPrefix) => {
  const [publisher, subscriber] = [nodeClient(port), nodeClient(port)];
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const context = redisContext({
    waitUntil: null,
    onError: () => undefined,
    keyPrefix,
    publisher,
    subscriber,
  });
  return {
    context,
    leave: async () => {
      await Promise.all([publisher.destroy(), subscriber.destroy()]);
    },
  };
};

it.for<[string, Join]>([
  ["createSentinel of node-redis", nodeRedis],
  ["ioredis with sentinels", ioredis(false)],
  ["ioredis with sentinels, keepText", ioredis(true)],
])("%s: nobody is lost, and all have the whole text (G1, G2, G4)", async ([, join]) => {
  await using sentinel = await startSentinel();
  const keyPrefix = randomUUID();
  const [one, other] = [await join(sentinel, keyPrefix), await join(sentinel, keyPrefix)];
  try {
    let give: (text: string) => void = () => undefined;
    let close: () => void = () => undefined;
    const source = new ReadableStream<string>({
      start: (controller) => {
        give = (text) => controller.enqueue(text);
        close = () => controller.close();
      },
    });
    const original = await one.context.resumableStream("x", () => source);
    const follower = await other.context.resumeExistingStream("x");
    if (!original || !follower) throw new Error("Both have a stream");
    const texts = Promise.all([textOf(original), textOf(follower)]);
    give("before");
    await sentinel.failOver();
    give(", after");
    close();
    expect(await texts).toEqual(["before, after", "before, after"]);
    await expect.poll(() => other.context.hasExistingStream("x"), { timeout: 10_000 }).toBe("DONE");
  } finally {
    await Promise.all([one.leave(), other.leave()]);
  }
});

it("createSentinel of node-redis with keepText is a TypeError that names a client to pass", () => {
  const [publisher, subscriber] = [nodeClient(1), nodeClient(1)];
  expect(() => redisContext({ waitUntil: null, keepText: true, publisher, subscriber })).toThrow(
    /^keepText needs .* For Sentinel pass ioredis with `sentinels`/,
  );
});

async function textOf(stream: ReadableStream<string>): Promise<string> {
  let text = "";
  for await (const piece of stream) text += piece;
  return text;
}
