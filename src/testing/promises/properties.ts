// The whole text, for any chunks, offsets and manners of reading (G1, G10).

import type { DurableStreamContext } from "../../api/types.ts";
import { AssertionError, expectSameText, show } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { Dice } from "../dice.ts";
import { manualSource } from "../manual-source.ts";
import { type Answer, chunksOf, turns } from "../reading.ts";
import { section, type Section } from "../section.ts";

/** How many runs are thrown, and how large they get. */
const RUNS = 40;
const MAX = { chunks: 12, chunkUnits: 40, followers: 5, offset: 300 };

interface Run {
  chunks: string[];
  /** Turns of the event loop between two chunks: 0 lets them gather. */
  pace: number;
  followers: RunFollower[];
}

interface RunFollower {
  /** How many chunks the source has given when it attaches. */
  after: number;
  offset: number;
  /** How many turns of the event loop it takes between two reads. */
  pauses: number;
  where: "the producer's process" | "another process";
}

export const propertyPromises: Section<Contract> = section(
  "any text, any offset, any way to read",
  (promise) => {
    promise("a follower that ends cleanly has the source's text from its offset on", async (contract) => {
      const contexts = [await contract.createContext(), await contract.createContext()] as const;
      for (let number = 0; number < RUNS; number += 1) {
        const run = throwRun(new Dice(contract.seed, number));
        try {
          await perform(contexts, run);
        } catch (cause) {
          throw new AssertionError(`seed ${contract.seed}, run ${number}: ${show(cause)} in ${show(run)}`, {
            cause,
          });
        }
      }
    });
  },
);

async function perform(
  [first, second]: readonly [DurableStreamContext, DurableStreamContext],
  { chunks, pace, followers }: Run,
): Promise<void> {
  const id = freshId();
  const source = manualSource();
  const primary = collect(await first.createNewResumableStream(id, source.makeStream), 0);
  const readings: { offset: number; text: Promise<string> }[] = [];
  for (let given = 0; given <= chunks.length; given += 1) {
    const last = given === chunks.length;
    for (const { after, offset, pauses, where } of followers) {
      if (after !== given && !(last && after > given)) continue;
      const context = where === "another process" ? second : first;
      readings.push({ offset, text: collect(await context.resumeExistingStream(id, offset), pauses) });
    }
    const next = chunks[given];
    if (next !== undefined) source.push(next);
    await turns(pace);
  }
  source.end();
  const text = chunks.join("");
  expectSameText(await primary, text);
  for (const reading of readings) expectSameText(await reading.text, text.slice(reading.offset));
}

async function collect(stream: Answer, pauses: number): Promise<string> {
  let text = "";
  for await (const part of chunksOf(stream)) {
    text += part;
    await turns(pauses);
  }
  return text;
}

function throwRun(dice: Dice): Run {
  return {
    chunks: several(dice.integer(0, MAX.chunks), () => throwChunk(dice)),
    pace: dice.pick([0, 0, 1, 2]),
    followers: several(dice.integer(1, MAX.followers), () => ({
      after: dice.integer(0, MAX.chunks),
      offset: dice.integer(0, dice.pick([0, 20, MAX.offset])),
      pauses: dice.pick([0, 0, 1, 3]),
      where: dice.pick(["the producer's process", "another process"]),
    })),
  };
}

/** Any UTF-16 code units at all; surrogates, NUL and ASCII more often than chance would give them. */
function throwChunk(dice: Dice): string {
  const unit = (): number => {
    const [min, max] = dice.pick<[number, number]>([
      [0x20, 0x7e],
      [0x20, 0x7e],
      [0x20, 0x7e],
      [0xd7ff, 0xe000],
      [0xd7ff, 0xe000],
      [0, 0xffff],
    ]);
    return dice.integer(min, max);
  };
  return String.fromCharCode(...several(dice.integer(0, MAX.chunkUnits), unit));
}

function several<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
