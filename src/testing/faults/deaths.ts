// Processes killed, and taken over.

import type { DurableStreamContext } from "../../api/types.ts";
import { deepEqual, equal, fail, show } from "../assert.ts";
import { freshId } from "../contract.ts";
import { manualSource } from "../manual-source.ts";
import type { FaultyWorld } from "../processes.ts";
import {
  expectClosed,
  expectErrored,
  read,
  readWhole,
  type Reading,
  type ReadingEnd,
  until,
} from "../reading.ts";
import type { Promising } from "../section.ts";
import { FOUND_WITHIN_MS, within } from "./bounds.ts";
import { openFollowed } from "./followed.ts";

export function promiseOfDeaths(promise: Promising<FaultyWorld>): void {
  promise(
    "a killed producer: followers have what came and then PRODUCER_LOST, within seconds (G4)",
    async (world) => {
      const { first, second, id, follower } = await openFollowed(world);
      first.kill();
      await within(FOUND_WITHIN_MS, "the follower's end", follower.ended);
      await expectErrored(follower, { text: "before ", code: "PRODUCER_LOST" });
      await expectLeft(world, second.context, { id, text: "before " });
    },
  );

  promise(
    "a killed producer's id is produced again, by exactly one of many callers (G3, G4)",
    async (world) => {
      const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => world.createProcess()));
      const id = freshId();
      const source = manualSource();
      const primary = read((await first?.context.createNewResumableStream(id, source.makeStream)) ?? null);
      source.push("before");
      await primary.reached(6);
      first?.kill();
      await until(
        async () => equal(await others[0]?.context.hasExistingStream(id), world.keepsText ? "failed" : null),
        {
          withinMs: FOUND_WITHIN_MS,
        },
      );
      const next = manualSource();
      const readings = await Promise.all(
        Array.from({ length: 9 }, async (_, caller) => {
          const process = others[caller % others.length];
          return read((await process?.context.resumableStream(id, next.makeStream)) ?? null);
        }),
      );
      equal(next.calls(), 1, "how often makeStream ran");
      next.push("after");
      next.end();
      for (const reading of readings) await expectClosed(reading, "after");
    },
  );

  promise(
    "a producer that was cut off and taken over adds nothing when it is back, and ends nothing (G5)",
    async (world) => {
      const [older, newer] = [await world.createProcess(), await world.createProcess()];
      const other = await world.createProcess();
      const id = freshId();
      const [oldSource, newSource] = [manualSource(), manualSource()];
      const oldPrimary = read(await older.context.createNewResumableStream(id, oldSource.makeStream));
      const oldFollower = read(await other.context.resumeExistingStream(id));
      oldSource.push("old ");
      await Promise.all([oldPrimary.reached(4), oldFollower.reached(4)]);
      older.cut();
      oldSource.push("more, unheard ");

      const newPrimary = read(await newer.context.createNewResumableStream(id, newSource.makeStream));
      newSource.push("new ");
      const follower = read(await other.context.resumeExistingStream(id));
      await follower.reached(4);
      older.mend();
      oldSource.push("and late");
      oldSource.end();
      await oldPrimary.ended;
      await expectPart(oldFollower, "old more, unheard and late");
      equal(await other.context.hasExistingStream(id), true);
      newSource.push("text");
      newSource.end();
      const late = await other.context.resumeExistingStream(id);
      for (const reading of [newPrimary, follower]) await expectClosed(reading, "new text");
      if (late) await expectClosed(read(late), "new text");
      await until(async () => equal(await other.context.hasExistingStream(id), "DONE"));
    },
  );
}

/** Expects what is left of a stream whose producer has died: nothing over a relay, its text over a log. */
async function expectLeft(
  world: FaultyWorld,
  context: DurableStreamContext,
  { id, text }: { id: string; text: string },
): Promise<void> {
  await until(async () => equal(await context.hasExistingStream(id), world.keepsText ? "failed" : null));
  const left = await context.resumeExistingStream(id);
  deepEqual(left ? await readWhole(left) : left, world.keepsText ? text : undefined);
}

/** A clean end on part of a text is what must never be. */
async function expectPart(reading: Reading, text: string): Promise<void> {
  const end: ReadingEnd = await reading.ended;
  const isPart = end.kind === "errored" && text.startsWith(end.text);
  if (!isPart && !(end.kind === "closed" && end.text === text)) {
    fail(`expected a part of the text and an error, got ${show(end)}`);
  }
}
