// The whole text, for any chunks, offsets and manners of reading (G1, G10).

import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, test } from "vitest";
import { freshId, type Contract } from "../contract.ts";
import { manualSource } from "../manual-source.ts";
import { expectSameText } from "../reading.ts";

/** Any UTF-16 code units at all; surrogates, NUL and ASCII more often than chance would give them. */
const unit = fc.oneof(
  { arbitrary: fc.integer({ min: 0x20, max: 0x7e }), weight: 3 },
  { arbitrary: fc.integer({ min: 0xd7ff, max: 0xe000 }), weight: 2 },
  { arbitrary: fc.integer({ min: 0, max: 0xffff }), weight: 1 },
);
const chunk = fc.array(unit, { maxLength: 40 }).map((units) => String.fromCharCode(...units));

const follower = fc.record({
  /** How many chunks the source has given when it attaches. */
  after: fc.nat({ max: 12 }),
  offset: fc.nat({ max: 300 }),
  /** How many turns of the event loop it takes between two reads. */
  pauses: fc.constantFrom(0, 0, 1, 3),
  shares: fc.constantFrom("the producer's process", "another process"),
});

const run = fc.record({
  chunks: fc.array(chunk, { maxLength: 12 }),
  /** Turns of the event loop between two chunks: 0 lets them gather. */
  pace: fc.constantFrom(0, 0, 1, 2),
  followers: fc.array(follower, { minLength: 1, maxLength: 5 }),
});

export function describeProperties(contract: Contract): void {
  describe("any text, any offset, any way to read", () => {
    test("a follower that ends cleanly has the source's text from its offset on", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      await fc.assert(
        fc.asyncProperty(run, async ({ chunks, pace, followers }) => {
          const id = freshId();
          const source = manualSource();
          const primary = collect(await first.createNewResumableStream(id, source.makeStream), 0);
          const readings: { offset: number; text: Promise<string> }[] = [];
          for (let given = 0; given <= chunks.length; given += 1) {
            const last = given === chunks.length;
            for (const { after, offset, pauses, shares } of followers) {
              if (after !== given && !(last && after > given)) continue;
              const context = shares === "another process" ? second : first;
              readings.push({
                offset,
                text: collect(await context.resumeExistingStream(id, offset), pauses),
              });
            }
            const next = chunks[given];
            if (next !== undefined) source.push(next);
            for (let turns = 0; turns < pace; turns += 1) await turn();
          }
          source.end();
          const text = chunks.join("");
          expectSameText(await primary, text);
          for (const reading of readings) expectSameText(await reading.text, text.slice(reading.offset));
        }),
        { numRuns: 40 },
      );
    });
  });
}

async function collect(stream: ReadableStream<string> | null | undefined, pauses: number): Promise<string> {
  if (!(stream instanceof ReadableStream)) throw new Error(`expected a stream, got ${String(stream)}`);
  let text = "";
  for await (const part of stream) {
    text += part;
    for (let turns = 0; turns < pauses; turns += 1) await turn();
  }
  return text;
}
