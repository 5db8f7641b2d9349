// The four calls and their answers; exactly one producer (G3).

import { createDeferred } from "../../lib/deferred.ts";
import { equal, expectSameText } from "../assert.ts";
import { freshId, freshKeyPrefix, type Contract } from "../contract.ts";
import { manualSource, mustNotProduce, sourceOf } from "../manual-source.ts";
import { expectClosed, read, readWhole, until } from "../reading.ts";
import { section, type Section } from "../section.ts";

export const callPromises: Section<Contract> = section("calls and their answers", (promise) => {
  promise("the first caller produces and the others follow it", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();

    const primary = read(await first.resumableStream(id, source.makeStream));
    source.push("one ");
    const sameProcess = read(await first.resumableStream(id, mustNotProduce));
    const otherProcess = read(await second.resumableStream(id, mustNotProduce));
    source.push("two");
    source.end();

    for (const reading of [primary, sameProcess, otherProcess]) await expectClosed(reading, "one two");
    equal(source.calls(), 1);
  });

  promise(
    "of 20 concurrent callers in 3 processes exactly one runs makeStream, and all get its text",
    async (contract) => {
      const contexts = await Promise.all([1, 2, 3].map(() => contract.createContext()));
      const id = freshId();
      const source = manualSource();

      const readings = await Promise.all(
        Array.from({ length: 20 }, async (_, caller) => {
          const context = contexts[caller % contexts.length];
          return read((await context?.resumableStream(id, source.makeStream)) ?? null);
        }),
      );
      equal(source.calls(), 1);
      source.push("for ", "everybody");
      source.end();

      for (const reading of readings) await expectClosed(reading, "for everybody");
    },
  );

  promise("a done stream is null to whoever asks, and makeStream isn't called", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    await readWhole(first.resumableStream(id, sourceOf(["text"])));
    await until(async () => equal(await second.hasExistingStream(id), "DONE"));

    for (const context of [first, second]) {
      equal(await context.resumableStream(id, mustNotProduce), null);
      equal(await context.resumableStream(id, mustNotProduce, 2), null);
      equal(await context.resumeExistingStream(id), null);
      equal(await context.resumeExistingStream(id, 2), null);
    }
  });

  promise(
    "a stream nobody made is undefined to resumeExistingStream, and null to hasExistingStream",
    async (contract) => {
      const context = await contract.createContext();
      const id = freshId();
      equal(await context.resumeExistingStream(id), undefined);
      equal(await context.resumeExistingStream(id, 10), undefined);
      equal(await context.hasExistingStream(id), null);
    },
  );

  promise("hasExistingStream is true while a stream runs and DONE after it", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    for (const context of [first, second]) equal(await context.hasExistingStream(id), true);

    source.end();
    await primary.ended;
    await until(async () => {
      for (const context of [first, second]) equal(await context.hasExistingStream(id), "DONE");
    });
  });

  promise("asking for a stream that isn't there leaves its id free", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    await second.hasExistingStream(id);
    await second.resumeExistingStream(id);
    await second.stopStream(id);
    expectSameText(await readWhole(first.resumableStream(id, sourceOf(["fresh"]))), "fresh");
  });

  promise("createNewResumableStream produces, and others follow", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    const follower = read(await second.resumeExistingStream(id));
    source.push("text");
    source.end();
    await expectClosed(primary, "text");
    await expectClosed(follower, "text");
  });

  promise("createNewResumableStream starts a done stream over", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    await readWhole(first.resumableStream(id, sourceOf(["old"])));
    await until(async () => equal(await second.hasExistingStream(id), "DONE"));

    const source = manualSource();
    const primary = read(await second.createNewResumableStream(id, source.makeStream));
    const follower = read(await first.resumeExistingStream(id));
    source.push("new");
    source.end();
    await expectClosed(primary, "new");
    await expectClosed(follower, "new");
  });

  promise("who becomes the producer gets the whole text, whatever offset it named", async (contract) => {
    const context = await contract.createContext();
    expectSameText(
      await readWhole(context.resumableStream(freshId(), sourceOf(["0123456789"]), 4)),
      "0123456789",
    );
    expectSameText(
      await readWhole(context.createNewResumableStream(freshId(), sourceOf(["0123456789"]), 4)),
      "0123456789",
    );
  });

  promise("makeStream is told its stream's id and a signal that isn't aborted", async (contract) => {
    const context = await contract.createContext();
    const id = freshId();
    const source = manualSource();
    const primary = read(await context.resumableStream(id, source.makeStream));
    equal(source.streamId(), id);
    equal(source.signal().aborted, false);
    source.end();
    await primary.ended;
  });

  promise("makeStream may be async, and who calls meanwhile follows", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const { promise: opened, resolve: open } = createDeferred<void>();
    const { promise: called, resolve: onCall } = createDeferred<void>();

    const primary = first.resumableStream(id, async (context) => {
      onCall();
      await opened;
      return source.makeStream(context);
    });
    await called;
    const follower = read(await second.resumableStream(id, mustNotProduce));
    open();
    source.push("slow to start");
    source.end();
    expectSameText(await readWhole(primary), "slow to start");
    await expectClosed(follower, "slow to start");
  });

  promise("contexts with different key prefixes don't see each other's streams", async (contract) => {
    const [first, second] = [
      await contract.createContext({ keyPrefix: freshKeyPrefix() }),
      await contract.createContext({ keyPrefix: freshKeyPrefix() }),
    ];
    const id = freshId();
    const primary = read(await first.createNewResumableStream(id, manualSource().makeStream));
    equal(await second.hasExistingStream(id), null);
    equal(await second.resumeExistingStream(id), undefined);
    await primary.leave();
  });
});
