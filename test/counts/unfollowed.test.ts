// A stream nobody follows costs next to nothing (G8), by the server's own counters.

import { describe, expect, test, vi } from "vitest";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { read, readWhole, until } from "../../src/testing/reading.ts";
import * as overIoredis from "../../src/ioredis.ts";
import * as overNodeRedis from "../../src/redis.ts";
import { countFrom, sum, usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();

describe.each(["redis-6", "ioredis-6"] as const)("a stream nobody follows, over %s", (clients) => {
  test.each(["resumableStream", "createNewResumableStream"] as const)(
    "%s costs one SET and one SUBSCRIBE at the start, and nothing for its chunks",
    async (call) => {
      const context = await redis.createContext(clients);
      const counted = await countFrom(redis.server());
      const source = manualSource();
      const primary = read(await context[call](freshId(), source.makeStream));
      await until(async () => expect(await counted()).toEqual({ set: 1, subscribe: 1 }));

      for (let index = 1; index <= 1000; index += 1) {
        source.push("0123456789");
        await primary.reached(index * 10);
      }
      expect(await counted()).toEqual({ set: 1, subscribe: 1 });
      source.end();
      await primary.ended;
    },
  );

  test.each([0, 1, 100, 10_000])(
    "of %i chunks costs 6 commands in all: 4 that are sent, and 2 inside of the script",
    async (chunks) => {
      const context = await redis.createContext(clients);
      const counted = await countFrom(redis.server());
      const id = freshId();
      await readWhole(
        context.resumableStream(id, sourceOf(Array.from({ length: chunks }, () => "0123456789"))),
      );
      await until(async () =>
        expect(await redis.server().command("GET", `resumable-stream:rs:sentinel:${id}`)).toBe("DONE"),
      );
      await until(async () => expect(await counted()).toHaveProperty("unsubscribe", 1));

      const { get: _asked, ...counts } = await counted();
      expect({ ...counts, all: sum(counts) }).toMatchObject({
        set: 3,
        eval: 1,
        subscribe: 1,
        unsubscribe: 1,
        all: 6,
      });
      expect(counts).not.toHaveProperty("publish");
    },
  );

  test("makes no timer of its client's for its commands", async () => {
    const context = await redis.createContext(clients);
    const timeout = vi.spyOn(AbortSignal, "timeout");
    await readWhole(context.resumableStream(freshId(), sourceOf(["0123456789"])));
    // SUBSCRIBE and UNSUBSCRIBE have none.
    expect(timeout).not.toHaveBeenCalled();
    timeout.mockRestore();
  });

  test("costs no more over clients of our own", async () => {
    process.env["REDIS_URL"] = redis.server().url;
    const { createResumableStreamContext } = clients === "redis-6" ? overNodeRedis : overIoredis;
    const context = createResumableStreamContext({ waitUntil: null });
    const counted = await countFrom(redis.server());
    const source = manualSource();
    await context.createNewResumableStream(freshId(), source.makeStream);
    await until(async () => expect(await counted()).toMatchObject({ set: 1, subscribe: 1 }));
    source.end();
    await context.close();
    delete process.env["REDIS_URL"];
  });

  test("leaves its record and how it ended, which expire, and no subscription", async () => {
    const context = await redis.createContext(clients);
    const id = freshId();
    await readWhole(context.resumableStream(id, sourceOf(["text"])));
    await until(async () => expect(await redis.server().pubsubChannels()).toEqual([]));
    expect((await redis.server().keys()).filter((key) => key.includes(id))).toHaveLength(2);
    expect(await redis.server().keysWithoutExpiry()).toEqual([]);
  });
});
