// Promises of sources that hang, and of those that give too much.

import { contains, deepEqual, equal } from "../assert.ts";
import { type Contract, freshId } from "../contract.ts";
import { manualSource } from "../manual-source.ts";
import { expectErrored, read, readWhole } from "../reading.ts";
import { type Section, section } from "../section.ts";

export const sourcePromises: Section<Contract> = section("sources with limits", (promise) => {
  promise(
    "sourceIdleMs fails a source that gives nothing for so long, and aborts its signal",
    async (contract) => {
      const context = await contract.createContext({ sourceIdleMs: 100 });
      const id = freshId();
      const source = manualSource();
      const primary = read(await context.createNewResumableStream(id, source.makeStream));
      source.push("then nothing");
      const { kind, text } = await primary.ended;
      deepEqual({ kind, text }, { kind: "errored", text: "then nothing" });
      equal(source.signal().aborted, true);
      contains(String(((await primary.ended) as { error: unknown }).error), "sourceIdleMs");
    },
  );

  promise("sourceIdleMs fails a makeStream that doesn't answer, too", async (contract) => {
    const context = await contract.createContext({ sourceIdleMs: 100 });
    const hanging = (): Promise<ReadableStream<string>> => new Promise(() => undefined);
    const primary = read(await context.createNewResumableStream(freshId(), hanging));
    await expectErrored(primary, { text: "", code: "SOURCE_FAILED" });
  });

  promise("sourceIdleMs leaves a source alone that gives something in time", async (contract) => {
    const context = await contract.createContext({ sourceIdleMs: 10_000 });
    const source = manualSource();
    const stream = context.createNewResumableStream(freshId(), source.makeStream);
    source.push("in ", "time");
    source.end();
    equal(await readWhole(stream), "in time");
  });

  promise(
    "maxBytes fails a source that gives more than that, with the text up to there",
    async (contract) => {
      const context = await contract.createContext({ maxBytes: 10 });
      const elsewhere = await contract.createContext();
      const id = freshId();
      const source = manualSource();
      const primary = read(await context.createNewResumableStream(id, source.makeStream));
      // Ten bytes, and six characters.
      source.push("éééé", "12");
      await primary.reached(6);
      const follower = read(await elsewhere.resumeExistingStream(id));
      await follower.reached(6);
      source.push("3");
      await expectErrored(primary, { text: "éééé12", code: "TEXT_TOO_LONG" });
      await expectErrored(follower, { text: "éééé12", code: "SOURCE_FAILED" });
      equal(source.signal().aborted, true);
    },
  );
});
