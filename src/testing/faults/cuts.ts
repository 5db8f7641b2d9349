// Connections cut for a moment, calls that fail, and answers that get lost.

import { sleep, systemClock } from "../../lib/clock.ts";
import { equal, expectSameText } from "../assert.ts";
import { freshId } from "../contract.ts";
import { sourceOf } from "../manual-source.ts";
import type { FaultyWorld } from "../processes.ts";
import { expectClosed, readWhole, until } from "../reading.ts";
import type { Promising } from "../section.ts";
import { FOUND_WITHIN_MS, TOLD_WITHIN_MS, within } from "./bounds.ts";
import { openFollowed } from "./followed.ts";

export function promiseOfCuts(promise: Promising<FaultyWorld>): void {
  promise(
    "a follower that is cut off for a moment has the whole text when it is back (G1)",
    async (world) => {
      const { second, source, primary, follower } = await openFollowed(world);
      second.cut();
      source.push("unheard ");
      await primary.reached(15);
      await sleep(systemClock, 300);
      second.mend();
      source.push("after");
      await follower.reached(20);
      source.end();
      for (const reading of [primary, follower]) await expectClosed(reading, "before unheard after");
    },
  );

  for (const [producer, losing] of [
    ["that was cut off for a moment", "calls"],
    ["whose writes were carried out and not answered", "answers"],
  ] as const) {
    promise(`a producer ${producer} loses no text, and repeats none (G1)`, async (world) => {
      const { first, source, primary, follower } = await openFollowed(world);
      first.cut(losing);
      source.push("unsent ");
      await primary.reached(14);
      await sleep(systemClock, 300);
      first.mend();
      source.push("after");
      source.end();
      for (const reading of [primary, follower]) await expectClosed(reading, "before unsent after");
    });
  }

  promise(
    "an id whose claim was carried out and not answered can be produced within seconds (G4)",
    async (world) => {
      const [first, second] = [await world.createProcess(), await world.createProcess()];
      const id = freshId();
      first.cut("answers");
      const unresumable = readWhole(first.context.createNewResumableStream(id, sourceOf(["not kept"])));
      expectSameText(await within(TOLD_WITHIN_MS, "a new stream", unresumable), "not kept");
      first.mend();
      await until(
        async () => equal((await second.context.hasExistingStream(id)) === true, false, "the id is held"),
        { withinMs: FOUND_WITHIN_MS },
      );
      const produced = second.context.resumableStream(id, sourceOf(["produced"]));
      expectSameText(await readWhole(produced), "produced");
    },
  );

  promise(
    "calls that fail for a moment cost the original reader nothing, and followers no text (G1, G2)",
    async (world) => {
      const { first, source, primary, follower } = await openFollowed(world);
      first.reject("rejecting");
      source.push("unsent ");
      await primary.reached(14);
      await sleep(systemClock, 100);
      first.reject("working");
      source.push("after");
      await follower.reached(19);
      source.end();
      for (const reading of [primary, follower]) await expectClosed(reading, "before unsent after");
    },
  );
}
