// The cost of a stream that Redis keeps, by the server's own counters.

import { describe, expect, test } from "vitest";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read, until } from "../../src/testing/reading.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { countFrom, usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();
const WORDS = "0123456789";

describe.each(["redis-6", "ioredis-6"] as const)("a stream that Redis keeps, over %s", (clients) => {
  test("a stream nobody follows costs a script at its start, one for all that gathers, and one at its end", async () => {
    const context = await redis.createContext(clients, undefined, { keepText: true });
    await warm(context);
    const id = freshId();
    const counted = await countFrom(redis.server());
    const source = manualSource();
    const primary = read(await context.createNewResumableStream(id, source.makeStream));
    for (let index = 0; index < 500; index++) source.push(WORDS);
    await primary.reached(500 * WORDS.length);
    await until(async () => expect(await tailOf(redis.server(), id)).toBe(500 * WORDS.length));
    const { evalsha, publish, ...others } = await counted();
    expect({ evalsha, publish }).toEqual({ evalsha: 2, publish: undefined });
    expect(others).not.toHaveProperty("eval");
    source.end();
    await primary.ended;
    await until(async () => expect(await statusOf(redis.server(), id)).toBe("done"));
    expect((await counted())["evalsha"]).toBe(3);
  });

  test("a chunk that somebody waits for is one command, and stored before it is heard", async () => {
    const context = await redis.createContext(clients, undefined, { keepText: true });
    const other = await redis.createContext(clients, undefined, { keepText: true });
    await warm(context);
    const id = freshId();
    const source = manualSource();
    await context.createNewResumableStream(id, source.makeStream);
    const follower = read(await other.resumeExistingStream(id));
    source.push(WORDS);
    await follower.reached(WORDS.length);
    const counted = await countFrom(redis.server());
    for (let index = 2; index <= 100; index++) {
      source.push(WORDS);
      await follower.reached(index * WORDS.length);
      expect(await tailOf(redis.server(), id)).toBe(index * WORDS.length);
    }
    const { evalsha = 0, publish } = await counted();
    expect(publish).toBe(99);
    // And a check or a read of the follower's, if this took long.
    expect(evalsha - 99).toBeLessThanOrEqual(4);
    source.end();
    await follower.ended;
  });

  test("a replay costs a script at its start and one at its end, and a plain command per page between", async () => {
    const options = { keepText: true, replay: true } as const;
    const context = await redis.createContext(clients, undefined, options);
    await warm(context);
    const id = freshId();
    const source = manualSource();
    const primary = read(await context.createNewResumableStream(id, source.makeStream));
    // Five pages of 81,500, and some.
    const length = 410_000;
    source.push("x".repeat(length));
    source.end();
    await primary.ended;
    await until(async () => expect(await statusOf(redis.server(), id)).toBe("done"));
    const counted = await countFrom(redis.server());
    const replay = read(await context.resumeExistingStream(id));
    await replay.ended;
    expect(replay.text().length).toBe(length);
    const { evalsha, xrange } = await counted();
    expect({ evalsha, xrange }).toEqual({ evalsha: 2, xrange: 5 });
  });

  test.each([2_000, 4_000, 10_000, 100_000])(
    "a text of %i characters takes at most 1.3 bytes for each once it has ended",
    async (length) => {
      const context = await redis.createContext(clients, undefined, { keepText: true });
      const id = freshId();
      const source = manualSource();
      const primary = read(await context.createNewResumableStream(id, source.makeStream));
      for (let at = 0; at < length; at += WORDS.length) {
        source.push(WORDS);
        if (at % 1_000 === 0) await primary.reached(at);
      }
      source.end();
      await primary.ended;
      await until(async () => expect(await statusOf(redis.server(), id)).toBe("done"));
      const sizes = keysOf(id).map((key) => redis.server().command("MEMORY", "USAGE", key, "SAMPLES", "0"));
      const bytes = (await Promise.all(sizes)).reduce<number>((sum, size) => sum + Number(size), 0);
      expect(bytes / length).toBeLessThanOrEqual(1.3);
      expect(await redis.server().keysWithoutExpiry()).toEqual([]);
    },
  );
});

function keysOf(id: string): [record: string, tail: string, text: string] {
  const record = `resumable-stream:rs:{log:${id}}`;
  return [record, `${record}:tail`, `${record}:text`];
}

async function tailOf(server: RedisServer, id: string): Promise<number> {
  return Number(await server.command("HGET", keysOf(id)[0], "n"));
}

async function statusOf(server: RedisServer, id: string): Promise<unknown> {
  return server.command("HGET", keysOf(id)[0], "s");
}

/** A server knows a script once it was sent whole. */
async function warm(context: Awaited<ReturnType<typeof redis.createContext>>): Promise<void> {
  const source = manualSource();
  const id = freshId();
  const reading = read(await context.createNewResumableStream(id, source.makeStream));
  await context.hasExistingStream(id);
  source.end();
  await reading.ended;
}
