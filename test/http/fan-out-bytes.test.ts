// Bodies that are written together have the bytes that they have by web streams.

import { describe, expect, test } from "vitest";
import type { StreamResponseOptions } from "../../src/http.ts";
import { within } from "../support/wait.ts";
import { expectSameText } from "../../src/testing/assert.ts";
import { attach, event, produce, type Reader, type ReaderOptions, reference } from "./fan-out-scene.ts";

describe("byte for byte what web streams give", () => {
  const texts = {
    "whole events": [event(1), event(2), event(3)],
    "events in pieces": ["data: a", "b\n", "\nda", "ta: c\n\n", "data: d\n", "\n"],
    "CRLF, cut anywhere": ["data: a\r", "\n\r\ndata: b\r\n\r", "\ndata: c\r\n", "\r\n"],
    "pairs that are cut": ["data: \uD83C", "\uDF0A\n\n", "data: \uD83C", "\n\n"],
    "comments like ours": [": resum", "able-stream end=lost\ndata: a\n\n", ": resumable-stream\n\n"],
    "an event of 200 Ki": [`data: ${"x".repeat(200_000)}`, "y\n", "\n", event(1)],
    "many events at once": [Array.from({ length: 20_000 }, (_, n) => event(n)).join("")],
  };
  const options: Record<string, StreamResponseOptions> = {
    events: {},
    text: { format: "text" },
    "an end event": { endEvent: "end", retryMs: 10, atEnd: (end) => `data: at ${end}\n\n` },
    "a compactor": { compact: (run) => [{ data: run.join("+"), count: run.length }] },
  };

  describe.each(Object.keys(options))("%s", (name) => {
    test.each(Object.keys(texts))("of %s, with readers that come at each of them", async (kind) => {
      const chunks = texts[kind as keyof typeof texts];
      const { source, push } = await produce();
      const response = options[name] ?? {};
      const pairs: { reader: Reader; expected: Awaited<ReturnType<typeof reference>> }[] = [];
      let units = 0;
      for (const chunk of chunks) {
        for (const from of [0, units, Math.max(units - 3, 0)]) {
          pairs.push({
            expected: await reference({ from, response }),
            reader: await attach({ from, response }),
          });
        }
        await push(chunk);
        units += chunk.length;
      }
      source.end();
      for (const { reader, expected } of pairs) {
        await within(5_000, "the body's end", Promise.all([reader.sink.ended, expected.done]));
        expect(reader.sink.text).toBe(expected.text());
      }
    });
  });
});

describe("pages that are kept", () => {
  const many = (from: number, count: number): string =>
    Array.from({ length: count }, (_, n) => event(from + n)).join("");

  test("are given to no reader that asked for something else", async () => {
    const { source, push } = await produce();
    await push(many(0, 20_000));
    const asked: ReaderOptions[] = [
      {},
      { response: { format: "text" } },
      { response: { compact: (run) => [{ data: run.join("+"), count: run.length }] } },
      { from: 5 },
      {},
      { response: { format: "text" } },
    ];
    const pairs: { reader: Reader; expected: Awaited<ReturnType<typeof reference>> }[] = [];
    for (const each of asked)
      pairs.push({ expected: await reference(each), reader: await attach({ ...each, maxWaiting: 1_000 }) });
    source.end();
    for (const { reader, expected } of pairs) {
      await within(5_000, "the body's end", Promise.all([reader.sink.ended, expected.done]));
      expectSameText(reader.sink.text, expected.text());
    }
  });

  test("are given to no reader whose replay ends in the middle of one", async () => {
    const { push } = await produce();
    await push(many(0, 1_000));
    const early = await attach({ maxWaiting: 1 });
    await push(many(1_000, 20_000));
    const late = await attach();
    expect(late.sink.text).toMatch(/\ndata: event 20999\nid: .*\n\n: resumable-stream caught-up\n\n$/);
    while (early.sink.waiting.length > 0) early.sink.drain();
    expect(early.sink.text).toMatch(
      /\ndata: event 999\nid: .*\n\n: resumable-stream caught-up\n\ndata: event 1000\n/,
    );
  });
});
