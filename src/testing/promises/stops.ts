// Only stopStream stops a stream, and it does from any process (G12).

import { createDeferred } from "../../lib/deferred.ts";
import { equal, contains, expectSameText, fail } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, mustNotProduce, sourceOf } from "../manual-source.ts";
import { expectClosed, read, readWhole, until } from "../reading.ts";
import { section, type Section } from "../section.ts";

export const stopPromises: Section<Contract> = section("stopStream", (promise) => {
  for (const from of ["the same process", "another process"]) {
    promise(
      `called in ${from}: readers get the text so far and a clean end, and the id is done`,
      async (contract) => {
        const [first, second] = [await contract.createContext(), await contract.createContext()];
        const id = freshId();
        const source = manualSource();
        const primary = read(await first.createNewResumableStream(id, source.makeStream));
        const sameProcess = read(await first.resumeExistingStream(id));
        const otherProcess = read(await second.resumeExistingStream(id));
        source.push("so ", "far");
        await primary.reached(6);

        const stopper = from === "the same process" ? first : second;
        equal(await stopper.stopStream(id, { reason: "the user pressed stop" }), true);

        for (const reading of [primary, sameProcess, otherProcess]) await expectClosed(reading, "so far");
        await until(async () => {
          for (const context of [first, second]) equal(await context.hasExistingStream(id), "DONE");
        });
        equal(await second.resumableStream(id, mustNotProduce), null);
      },
    );

    promise(
      `called in ${from}: the signal is aborted by an AbortError and the source cancelled, with the reason`,
      async (contract) => {
        const [first, second] = [await contract.createContext(), await contract.createContext()];
        const id = freshId();
        const source = manualSource();
        const primary = read(await first.createNewResumableStream(id, source.makeStream));

        const stopper = from === "the same process" ? first : second;
        await stopper.stopStream(id, { reason: "the user pressed stop" });
        await primary.ended;
        contains(String(await source.cancelled), "the user pressed stop");
        equal(source.signal().aborted, true);
        // By what fetch and the AI SDK go: they take anything else for a fault.
        const why: unknown = source.signal().reason;
        if (!(why instanceof DOMException)) fail(`expected a DOMException, got a ${typeof why}`);
        equal(why.name, "AbortError");
        equal(why.message, "the user pressed stop");
      },
    );
  }

  promise("is false where nothing runs", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    equal(await second.stopStream(id), false);
    await readWhole(first.resumableStream(id, sourceOf(["text"])));
    await until(async () => equal(await second.hasExistingStream(id), "DONE"));
    equal(await first.stopStream(id), false);
    equal(await second.stopStream(id), false);
    equal(await second.hasExistingStream(id), "DONE");
  });

  promise("called many times at once stops once, and every call settles", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    source.push("text");
    await primary.reached(4);
    const answers = await Promise.all(
      [first, second, first, second].map((context) => context.stopStream(id)),
    );
    contains(answers, true);
    await expectClosed(primary, "text");
  });

  promise("stops a stream whose makeStream hasn't answered yet", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const { promise: called, resolve: onCall } = createDeferred<AbortSignal>();
    const { promise: opened, resolve: open } = createDeferred<void>();
    const primary = first.createNewResumableStream(id, async (context) => {
      onCall(context.signal);
      await opened;
      return source.makeStream(context);
    });
    const signal = await called;
    // The source may be opened beside the claim: before that nobody elsewhere has a stream to stop.
    await until(async () => equal(await second.hasExistingStream(id), true));
    await second.stopStream(id);
    await until(() => equal(signal.aborted, true));
    open();
    expectSameText(await readWhole(primary), "");
    await source.cancelled;
    await until(async () => equal(await second.hasExistingStream(id), "DONE"));
  });

  promise("stops a source that ignores its cancellation", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const stubborn = () =>
      new ReadableStream<string>({
        start: (controller) => controller.enqueue("text"),
        cancel: () => new Promise<void>(() => undefined),
      });
    const primary = read(await first.createNewResumableStream(id, stubborn));
    await primary.reached(4);
    equal(await second.stopStream(id), true);
    await expectClosed(primary, "text");
    await until(async () => equal(await second.hasExistingStream(id), "DONE"));
  });
});
