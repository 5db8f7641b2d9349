// Compacted replay of UI message chunks: a page makes the same message of it, wherever it comes back.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compactUIMessageChunks } from "../../src/ai-sdk/compact.ts";
import { EventFraming } from "../../src/http/event-framing.ts";
import { parseEvents } from "../http/parse-events.ts";
import { type Chunk, chunkLists, fold, textOf } from "./chunks.ts";

const dataIn = (framed: string): string[] => parseEvents(framed).map(({ data }) => data);
const json = (...chunks: Chunk[]): string[] => chunks.map((chunk) => JSON.stringify(chunk));

interface Joining {
  /** Where the reader comes back. */
  from: number;
  /** What there is then; the rest comes live. */
  tail: number;
  isCompact: boolean;
}

/** What a reader is sent, the replay in reads of a random size. */
function sent(text: string, { from, tail, isCompact }: Joining, unitsPerRead = 65_536): string {
  const framing = new EventFraming({ from, tail, ...(isCompact && { compact: compactUIMessageChunks }) });
  let framed = framing.open();
  for (let at = from; at < text.length;) {
    const end = Math.min(at < tail ? tail : text.length, at + unitsPerRead);
    framed += framing.push(text.slice(at, end));
    at = end;
  }
  return framed + framing.close("done");
}

test("folding the compacted replay is folding the full one, at every cut, wherever the reader came and comes back", () => {
  fc.assert(
    fc.property(
      chunkLists,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 400 }),
      (chunks, share, unitsPerRead) => {
        const text = textOf(chunks);
        const whole = dataIn(sent(text, { from: 0, tail: 0, isCompact: false }));
        const tail = Math.round(share * text.length);
        const compacted = parseEvents(sent(text, { from: 0, tail, isCompact: true }, unitsPerRead));
        expect(fold(compacted.map(({ data }) => data))).toEqual(fold(whole));
        // Cut after any event: what was had and the rest, compacted again, are the message.
        for (const [index, { lastEventId }] of compacted.entries()) {
          const from = Number(lastEventId);
          const had = compacted.slice(0, index + 1).map(({ data }) => data);
          expect(fold(had)).toEqual(
            fold(dataIn(sent(text.slice(0, from), { from: 0, tail: 0, isCompact: false }))),
          );
          const rest = dataIn(sent(text, { from, tail: text.length, isCompact: true }));
          expect(fold([...had, ...rest])).toEqual(fold(whole));
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("from every offset, also within an event, it is folding the full one", () => {
  fc.assert(
    fc.property(chunkLists, (chunks) => {
      const text = textOf(chunks);
      for (let from = 0; from <= text.length; from += 7) {
        const [full, compacted] = [false, true].map((isCompact) =>
          dataIn(sent(text, { from, tail: text.length, isCompact })),
        );
        expect(fold(compacted ?? [])).toEqual(fold(full ?? []));
      }
    }),
    { numRuns: 100 },
  );
});

test("live events are sent at once, and as they are", () => {
  fc.assert(
    fc.property(chunkLists, fc.nat({ max: 2_000 }), (chunks, at) => {
      const text = textOf(chunks);
      const tail = Math.min(at, text.length);
      const [full = "", compacted = ""] = [false, true].map(
        (isCompact) => sent(text, { from: 0, tail, isCompact }).split(": resumable-stream caught-up\n")[1],
      );
      expect(compacted).toBe(full);
    }),
  );
});

describe("deltas become one", () => {
  const delta = (text: string, more: object = {}): Chunk => ({
    type: "text-delta",
    id: "1",
    delta: text,
    ...more,
  });
  const counts = (...chunks: Chunk[]): number[] =>
    compactUIMessageChunks(json(...chunks)).map(({ count }) => count);

  test("of a text, of a reasoning and of a tool's input", () => {
    const input = (text: string): Chunk => ({
      type: "tool-input-delta",
      toolCallId: "c",
      inputTextDelta: text,
    });
    expect(compactUIMessageChunks(json(delta("a "), delta("b"), input('{"x'), input('":1}')))).toEqual([
      { data: '{"type":"text-delta","id":"1","delta":"a b"}', count: 2 },
      { data: '{"type":"tool-input-delta","toolCallId":"c","inputTextDelta":"{\\"x\\":1}"}', count: 2 },
    ]);
    expect(
      counts({ ...delta("a"), type: "reasoning-delta" }, { ...delta("b"), type: "reasoning-delta" }),
    ).toEqual([2]);
  });

  test("up to 4,096 units, for connections that carry no more: one that is larger alone stays as it is", () => {
    expect(counts(...Array.from({ length: 50 }, () => delta("x".repeat(200))))).toEqual([20, 20, 10]);
    expect(counts(delta("a"), delta("x".repeat(4_095)), delta("b"))).toEqual([2, 1]);
    expect(counts(delta("a"), delta("x".repeat(5_000)), delta("b"), delta("c"))).toEqual([1, 1, 2]);
  });

  test("and two halves of a character become whole", () => {
    const [{ data } = { data: "" }] = compactUIMessageChunks(json(delta("\uD83C"), delta("\uDF0A")));
    expect(data).toContain('"delta":"🌊"');
  });

  test("only if they follow each other: the order stays", () => {
    expect(
      counts(
        delta("a"),
        delta("b", { id: "2" }),
        delta("c"),
        { type: "data-note", data: 1, transient: true },
        delta("d"),
      ),
    ).toEqual([1, 1, 1, 1, 1]);
    expect(counts(delta("a"), { ...delta("b"), type: "reasoning-delta" })).toEqual([1, 1]);
  });

  test("only if they say nothing besides their text", () => {
    expect(counts(delta("a"), delta("b", { providerMetadata: { p: {} } }), delta("c"), delta("d"))).toEqual([
      1, 1, 2,
    ]);
  });

  test("and what isn't understood stays as it is", () => {
    const strange = [
      "[DONE]",
      "",
      "null",
      "[]",
      '"text-delta"',
      "{",
      '{"type":"text-delta"}',
      '{"type":"toString"}',
      '{"type":"text-delta","id":1,"delta":"a"}',
    ];
    const twice = strange.flatMap((data) => [data, data]);
    expect(compactUIMessageChunks(twice)).toEqual(twice.map((data) => ({ data, count: 1 })));
  });
});
