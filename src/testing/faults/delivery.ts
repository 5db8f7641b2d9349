// Messages lost, doubled, late and in another order.

import { sleep, systemClock } from "../../lib/clock.ts";
import { AssertionError, equal, show } from "../assert.ts";
import { freshId } from "../contract.ts";
import { manualSource } from "../manual-source.ts";
import type { FaultyWorld } from "../processes.ts";
import { expectClosed, read, type Reading, until } from "../reading.ts";
import type { Promising } from "../section.ts";

export function promiseOfDelivery(promise: Promising<FaultyWorld>): void {
  promise(
    "messages lost, doubled, late and in another order: every follower has the whole text (G1)",
    seeded(async (world) => {
      const [producer, ...others] = await Promise.all([1, 2, 3].map(() => world.createProcess("badly")));
      const id = freshId();
      const source = manualSource();
      const primary = read((await producer?.context.createNewResumableStream(id, source.makeStream)) ?? null);
      const chunks = Array.from({ length: 90 }, (_, index) => `chunk ${index}, `);
      const followers: { from: number; reading: Reading }[] = [];
      for (const [index, chunk] of chunks.entries()) {
        if (index % 30 === 0) {
          const from = index * 2;
          const attached = others.map(({ context }) => context.resumeExistingStream(id, from));
          for (const stream of await Promise.all(attached)) followers.push({ from, reading: read(stream) });
        }
        source.push(chunk);
        await sleep(systemClock, 5);
      }
      source.end();
      const text = chunks.join("");
      await expectClosed(primary, text);
      for (const { from, reading } of followers) await expectClosed(reading, text.slice(from));
    }),
  );

  promise(
    "a stop reaches its producer, however badly messages are delivered",
    seeded(async (world) => {
      const [first, second] = [await world.createProcess("badly"), await world.createProcess("badly")];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.context.createNewResumableStream(id, source.makeStream));
      source.push("so far");
      await primary.reached(6);
      // An answer may be lost if the stop wasn't: what counts is that the stream ends.
      await until(async () => equal((await second.context.stopStream(id)) || source.signal().aborted, true));
      await expectClosed(primary, "so far");
    }),
  );
}

/** A failure names the seed that repeats it. */
function seeded(run: (world: FaultyWorld) => Promise<void>): (world: FaultyWorld) => Promise<void> {
  return async (world) => {
    try {
      await run(world);
    } catch (cause) {
      throw new AssertionError(`seed ${world.seed}: ${show(cause)}`, { cause });
    }
  };
}
