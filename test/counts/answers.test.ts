// What one answer of 100 chunks costs Redis in all, as docs/recipes.md tells it: alone, reloaded once, followed once.

import { expect, test } from "vitest";
import type { DurableStreamContext } from "../../src/api/types.ts";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { type Reading, read, until } from "../../src/testing/reading.ts";
import { countFrom, sum, usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();
const CHUNKS = 100;

const ALONE = { set: 3, eval: 1, subscribe: 1, unsubscribe: 1 };
/** Of another process: its look at the record, what it listens to, and where the producer is asked about all its streams at once. */
const FOLLOWED = { ...ALONE, get: 1, subscribe: 4, unsubscribe: 4 };
/** Messages that aren't a chunk: the request, its answer, the end, and the reader's leaving. */
const MAX_OTHER_MESSAGES = 6;

test.each([
  { name: "that is followed from its start", joinsAt: 0 },
  { name: "that is reloaded in the middle", joinsAt: 50 },
])("an answer $name, in another process, costs a message a chunk from there on", async ({ joinsAt }) => {
  const [producer, follower] = [await redis.createContext(), await redis.createContext()];
  const counts = await costOf({ producer, joiner: follower, joinsAt });
  const { publish = 0, ...others } = counts;
  expect(others).toEqual(FOLLOWED);
  expect(publish).toBeGreaterThanOrEqual(CHUNKS - joinsAt);
  expect(publish).toBeLessThanOrEqual(CHUNKS - joinsAt + MAX_OTHER_MESSAGES);
});

test("a further reader in the process that follows costs at most 3 commands more", async () => {
  const [producer, follower] = [await redis.createContext(), await redis.createContext()];
  const total = sum(await costOf({ producer, joiner: follower, joinsAt: 0, joiners: 3 }));
  expect(total).toBeLessThanOrEqual(sum(FOLLOWED) + CHUNKS + MAX_OTHER_MESSAGES + 2 * 3);
});

test("an answer that is reloaded in its producer's own process costs no more than one that isn't", async () => {
  const producer = await redis.createContext();
  expect(await costOf({ producer, joiner: producer, joinsAt: 50 })).toEqual(ALONE);
});

test("asking whether a stream runs costs one command if none does", async () => {
  const context = await redis.createContext();
  const counted = await countFrom(redis.server());
  expect(await context.hasExistingStream(freshId())).toBeNull();
  expect(await counted()).toEqual({ get: 1 });
});

interface Answer {
  producer: DurableStreamContext;
  joiner: DurableStreamContext;
  /** Chunks that the source has given before the second reader comes. */
  joinsAt: number;
  joiners?: number;
}

/** Each chunk comes once all readers have the one before it: one that comes faster would share a message. */
async function costOf({ producer, joiner, joinsAt, joiners = 1 }: Answer): Promise<Record<string, number>> {
  const counted = await countFrom(redis.server());
  const id = freshId();
  const source = manualSource();
  const readers: Reading[] = [read(await producer.createNewResumableStream(id, source.makeStream))];
  for (let given = 0; given < CHUNKS; given += 1) {
    for (let count = 0; given === joinsAt && count < joiners; count += 1)
      readers.push(read(await joiner.resumeExistingStream(id)));
    source.push("0123456789");
    await Promise.all(readers.map((reader) => reader.reached((given + 1) * 10)));
  }
  source.end();
  await Promise.all(readers.map(({ ended }) => ended));
  await until(async () => expect(await redis.server().pubsubChannels()).toEqual([]));
  const { "pubsub|channels": _asked, ...counts } = await counted();
  return counts;
}
