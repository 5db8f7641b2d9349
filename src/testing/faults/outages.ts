// A backend that is away.

import { contains, expectRejection, expectSameText } from "../assert.ts";
import { freshId } from "../contract.ts";
import { manualSource, mustNotProduce, sourceOf } from "../manual-source.ts";
import type { FaultyWorld } from "../processes.ts";
import { expectClosed, read, readWhole } from "../reading.ts";
import type { Promising } from "../section.ts";
import { TOLD_WITHIN_MS, within } from "./bounds.ts";

export function promiseOfOutages(promise: Promising<FaultyWorld>): void {
  promise("the original reader has its text and its end while nothing gets through (G2)", async (world) => {
    const first = await world.createProcess();
    const source = manualSource();
    const primary = read(await first.context.createNewResumableStream(freshId(), source.makeStream));
    first.cut();
    source.push("all ", "of it");
    source.end();
    await within(2_000, "the original reader's end", primary.ended);
    await expectClosed(primary, "all of it");
  });

  for (const how of ["hangs", "fails"] as const) {
    promise(
      `a backend that ${how} from the start: a new text is read all the same, and who asked is told (G2, G7)`,
      async (world) => {
        const process = await world.createProcess();
        const { context, reported } = process;
        if (how === "hangs") process.cut();
        else process.reject("rejecting");
        const unresumable = readWhole(context.resumableStream(freshId(), sourceOf(["all ", "of it"])));
        const told = [
          context.resumableStream(freshId(), mustNotProduce, 3),
          context.resumeExistingStream(freshId()),
          context.hasExistingStream(freshId()),
          context.stopStream(freshId()),
        ].map((call) => expectRejection(call, "TRANSPORT_UNAVAILABLE"));
        expectSameText(await within(TOLD_WITHIN_MS, "a new stream", unresumable), "all of it");
        await within(TOLD_WITHIN_MS, "the answers of all calls", Promise.all(told));
        contains(
          reported.map(({ code }) => code),
          "TRANSPORT_UNAVAILABLE",
        );
        await within(TOLD_WITHIN_MS, "close", context.close());
      },
    );
  }
}
