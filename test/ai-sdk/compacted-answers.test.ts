// Compacted replay as AI SDK 5, 6 and 7 read it themselves, by what a page uses.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compactUIMessageChunks } from "../../src/ai-sdk/compact.ts";
import { createResumeHandlers } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { type Chunk, chunkLists, textOf } from "./chunks.ts";
import { installSdks, loadSdk, SDK_VERSIONS, type SdkMajor, type ServerSdk } from "./sdks.ts";

const context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
let streams = 0;

beforeAll(() => installSdks(), 300_000);
afterAll(() => context.close());

/** A page's message of an answer whose first chunks are there when it asks, and whose others come then. */
async function messageOf(sdk: ServerSdk, { old, live }: { old: Chunk[]; live: Chunk[] }, isCompact: boolean) {
  const id = `compacted-${++streams}`;
  const source = manualSource();
  const reading = read(await context.createNewResumableStream(id, source.makeStream));
  const before = textOf(old).replace(/data: \[DONE\]\n\n$/, "");
  source.push(before);
  await reading.reached(before.length);
  const { GET } = createResumeHandlers(context, {
    streamId: () => id,
    authorize: () => true,
    ...(isCompact && { compact: compactUIMessageChunks }),
  });
  const transport = new sdk.DefaultChatTransport({
    fetch: (url: string) => GET(new Request(new URL(url, "http://localhost"))),
  });
  const chunks = await transport.reconnectToStream({ chatId: id });
  for (const chunk of live) source.push(`data: ${JSON.stringify(chunk)}\n\n`);
  source.push("data: [DONE]\n\n");
  source.end();
  let count = 0;
  const counted = chunks?.pipeThrough(
    new TransformStream({
      transform(chunk: unknown, controller) {
        count += 1;
        controller.enqueue(chunk);
      },
    }),
  );
  const errors: unknown[] = [];
  let last: unknown;
  for await (const message of sdk.readUIMessageStream({
    stream: counted,
    onError: (e: unknown) => errors.push(e),
  })) {
    last = message;
  }
  return { message: last, errors, count };
}

describe.each(Object.keys(SDK_VERSIONS).map(Number) as SdkMajor[])("AI SDK %i", (major) => {
  test("makes the same message of the compacted replay as of the full one, and of no more chunks", async () => {
    const sdk = await loadSdk(major);
    await fc.assert(
      fc.asyncProperty(chunkLists, fc.double({ min: 0, max: 1, noNaN: true }), async (chunks, share) => {
        const at = Math.round(share * chunks.length);
        const answer = { old: chunks.slice(0, at), live: chunks.slice(at) };
        const full = await messageOf(sdk, answer, false);
        const compacted = await messageOf(sdk, answer, true);
        expect(full.errors).toEqual([]);
        expect(full.count).toBe(chunks.length);
        expect({ ...compacted, count: 0 }).toEqual({ ...full, count: 0 });
        expect(compacted.count).toBeLessThanOrEqual(full.count);
      }),
      { numRuns: 60 },
    );
  });
});
