// Replay travels in pages of at most 256 KiB (G9).

import { expect, test } from "vitest";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { overhear, usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();
const PAGE_BYTES = 256 * 1024;
/** What goes before the text of a message. */
const HEADER_BYTES = 128;

test.each([
  ["ASCII", "0123456789", 1_000_000],
  ["characters of three bytes", "€", 2_000_000],
  ["lone surrogates, which travel escaped", "\ud83d", 1_000_000],
])("a resume of many megabytes of %s has no message over 256 KiB", async (_, unit, repeats) => {
  const [producer, follower] = [await redis.createContext(), await redis.createContext()];
  const id = freshId();
  const source = manualSource();
  const text = unit.repeat(repeats);
  const primary = read(await producer.createNewResumableStream(id, source.makeStream));
  source.push(text);
  await primary.reached(text.length);
  const overheard = await overhear(redis.server());
  const reading = read(await follower.resumeExistingStream(id));
  await reading.reached(text.length);
  source.end();
  await expectClosed(reading, text);
  const biggest = Math.max(...overheard.messages.map(({ bytes }) => bytes));
  overheard.close();
  expect(biggest).toBeLessThanOrEqual(PAGE_BYTES + HEADER_BYTES);
  // The measuring itself would have missed nothing: the text went by.
  expect(biggest).toBeGreaterThan(PAGE_BYTES / 16);
});

test("a big live chunk has no message over 256 KiB", async () => {
  const [producer, follower] = [await redis.createContext(), await redis.createContext()];
  const id = freshId();
  const source = manualSource();
  read(await producer.createNewResumableStream(id, source.makeStream));
  const reading = read(await follower.resumeExistingStream(id));
  const overheard = await overhear(redis.server());
  const text = "0123456789".repeat(500_000);
  source.push(text);
  source.end();
  await expectClosed(reading, text);
  const biggest = Math.max(...overheard.messages.map(({ bytes }) => bytes));
  overheard.close();
  expect(biggest).toBeLessThanOrEqual(PAGE_BYTES + HEADER_BYTES);
});
