// What followers cost (G8): one publish a chunk at most, however many there are, and nothing once they left.

import { describe, expect, test } from "vitest";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { countFrom, overhear, usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();
const CHUNKS = 200;

describe.each([1, 50])("%i followers in one process", (count) => {
  test("cost at most one publish for each chunk that comes alone", async () => {
    const { id, source, followers } = await followedStream(count);
    const counted = await countFrom(redis.server());
    const overheard = await overhear(redis.server());
    for (let index = 1; index <= CHUNKS; index += 1) {
      source.push("0123456789");
      await Promise.all(followers.map((follower) => follower.reached(index * 10)));
    }
    const { publish = 0 } = await counted();
    const live = overheard.messages.filter(({ channel }) => channel === `resumable-stream:rs:live:${id}`);
    overheard.close();
    expect(live.length).toBeLessThanOrEqual(CHUNKS);
    expect(publish).toBeLessThanOrEqual(CHUNKS);
  });

  test("cost far less than one publish a chunk where chunks come faster than Redis answers", async () => {
    const { source, followers } = await followedStream(count);
    const counted = await countFrom(redis.server());
    const chunks = Array.from({ length: 5000 }, (_, index) => `${index} `);
    source.push(...chunks);
    source.end();
    for (const follower of followers) await expectClosed(follower, chunks.join(""));
    const { publish = 0 } = await counted();
    expect(publish).toBeLessThanOrEqual(500);
  });

  test("cost nothing once they left", async () => {
    const { producer, primary, source, followers } = await followedStream(count);
    source.push("0123456789");
    await Promise.all(followers.map((follower) => follower.reached(10)));
    await Promise.all(followers.map((follower) => follower.leave()));

    let length = 10;
    const publishesOf = async (chunks: number): Promise<number> => {
      const counted = await countFrom(redis.server());
      for (let index = 0; index < chunks; index += 1) {
        source.push("0123456789");
        length += 10;
        await primary.reached(length);
      }
      // On the connection that publishes: what went before it has been counted.
      await producer.hasExistingStream(freshId());
      return (await counted())["publish"] ?? 0;
    };
    // How long the news of their leaving takes is nobody's promise; that it arrives is.
    await expect.poll(() => publishesOf(5), { timeout: 10_000, interval: 20 }).toBe(0);
    expect(await publishesOf(200)).toBe(0);
  });
});

test("a follower process that is gone without a word stops costing anything within seconds", async () => {
  const { producer, primary, source, vanish } = await followedStream(1);
  vanish();
  let length = 0;
  const publishes = async (): Promise<number> => {
    const counted = await countFrom(redis.server());
    source.push("0123456789");
    length += 10;
    await primary.reached(length);
    await producer.hasExistingStream(freshId());
    return (await counted())["publish"] ?? 0;
  };
  await expect.poll(publishes, { timeout: 25_000, interval: 100 }).toBe(0);
});

async function followedStream(count: number) {
  const [producer, follower] = [await redis.createContext(), await redis.createContext()];
  const id = freshId();
  const source = manualSource();
  const primary = read(await producer.createNewResumableStream(id, source.makeStream));
  const followers = await Promise.all(
    Array.from({ length: count }, async () => read(await follower.resumeExistingStream(id))),
  );
  /** Cuts the follower's connections for good, so that it can't even say that it leaves. */
  const vanish = (): void => redis.silence(follower);
  return { producer, id, source, primary, followers, vanish };
}
