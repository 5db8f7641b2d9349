// What a page loads that comes back to an answer of 2,000 tokens, in bytes for each byte of what the answer says.

import { PGlite } from "@electric-sql/pglite";
import { expect, onTestFinished, test } from "vitest";
import { compactUIMessageChunks } from "../../src/ai-sdk/compact.ts";
import type { ResumableStreamContext } from "../../src/api/types.ts";
import { createResumeHandlers, type StreamsOfHandlers } from "../../src/http.ts";
import { createPgliteResumableStreamContext } from "../../src/pglite.ts";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();
/** About 4.5 bytes each, as those of English prose. */
const TOKENS = ["The", " quick", " brown", " fox", ",", " über", " fences", ".\n", " and", ' "so"'];
const tokens = Array.from({ length: 2_000 }, (_, index) => TOKENS[index % TOKENS.length] ?? "");
const contentBytes = Buffer.byteLength(tokens.join(""));

type Context = StreamsOfHandlers & Pick<ResumableStreamContext, "createNewResumableStream">;

interface Asked {
  producer: Context;
  reader: Context;
  isCompact: boolean;
}

async function bytesForEach({ producer, reader, isCompact }: Asked): Promise<number> {
  const id = freshId();
  const source = manualSource();
  await producer.createNewResumableStream(id, source.makeStream);
  const events = tokens.map(
    (delta) => `data: ${JSON.stringify({ type: "text-delta", id: "txt-0", delta })}\n\n`,
  );
  source.push('data: {"type":"start"}\n\ndata: {"type":"text-start","id":"txt-0"}\n\n', ...events);
  // A log has the text once it is written, which somebody who follows hears of.
  const earlier = read(await reader.resumeExistingStream(id));
  await earlier.reached(events.join("").length);
  const { GET } = createResumeHandlers(reader, {
    streamId: () => id,
    authorize: () => true,
    ...(isCompact && { compact: compactUIMessageChunks }),
  });
  const { body } = await GET(new Request("http://localhost/"));
  const sent = read(body?.pipeThrough(new TextDecoderStream()));
  source.end();
  await Promise.all([sent.ended, earlier.ended]);
  const [replay = ""] = sent.text().split(": resumable-stream caught-up\n");
  return Buffer.byteLength(replay) / contentBytes;
}

test.each([
  { where: "in its producer's process", contexts: async () => twice(await redis.createContext()) },
  {
    where: "in another process, over Redis",
    contexts: async () => [await redis.createContext(), await redis.createContext()] as const,
  },
  { where: "in another process, over Postgres", contexts: overPglite },
])("a reader $where loads at most 2 bytes for each, and 18 without a compactor", async ({ contexts }) => {
  const [producer, reader] = await contexts();
  expect(await bytesForEach({ producer, reader, isCompact: true })).toBeLessThanOrEqual(2);
  expect(Math.round(await bytesForEach({ producer, reader, isCompact: false }))).toBe(18);
});

const twice = <T>(one: T): readonly [T, T] => [one, one];

async function overPglite(): Promise<readonly [Context, Context]> {
  const pglite = await PGlite.create();
  onTestFinished(() => pglite.close());
  const [producer, reader] = [1, 2].map(() =>
    createPgliteResumableStreamContext({ pglite, waitUntil: null }),
  );
  if (!producer || !reader) throw new Error("Two were made");
  onTestFinished(async () => void (await Promise.all([producer.close(), reader.close()])));
  return [producer, reader];
}
