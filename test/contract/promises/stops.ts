// Only stopStream stops a stream, and it does from any process (G12).

import { describe, expect, test } from "vitest";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, mustNotProduce, sourceOf, withResolvers } from "../manual-source.ts";
import { expectClosed, expectSameText, read, readWhole, until } from "../reading.ts";

export function describeStops(contract: Contract): void {
  describe("stopStream", () => {
    for (const from of ["the same process", "another process"]) {
      test(`called in ${from}: readers get the text so far and a clean end, and the id is done`, async () => {
        const [first, second] = [await contract.createContext(), await contract.createContext()];
        const id = freshId();
        const source = manualSource();
        const primary = read(await first.createNewResumableStream(id, source.makeStream));
        const sameProcess = read(await first.resumeExistingStream(id));
        const otherProcess = read(await second.resumeExistingStream(id));
        source.push("so ", "far");
        await primary.reached(6);

        const stopper = from === "the same process" ? first : second;
        expect(await stopper.stopStream(id, { reason: "the user pressed stop" })).toBe(true);

        for (const reading of [primary, sameProcess, otherProcess]) await expectClosed(reading, "so far");
        await until(async () => {
          for (const context of [first, second]) expect(await context.hasExistingStream(id)).toBe("DONE");
        });
        expect(await second.resumableStream(id, mustNotProduce)).toBeNull();
      });

      test(`called in ${from}: the signal is aborted and the source cancelled, with the reason`, async () => {
        const [first, second] = [await contract.createContext(), await contract.createContext()];
        const id = freshId();
        const source = manualSource();
        const primary = read(await first.createNewResumableStream(id, source.makeStream));

        const stopper = from === "the same process" ? first : second;
        await stopper.stopStream(id, { reason: "the user pressed stop" });
        await primary.ended;
        expect(String(await source.cancelled)).toContain("the user pressed stop");
        expect(source.signal().aborted).toBe(true);
        expect(String(source.signal().reason)).toContain("the user pressed stop");
      });
    }

    test("is false where nothing runs", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      expect(await second.stopStream(id)).toBe(false);
      await readWhole(first.resumableStream(id, sourceOf(["text"])));
      await until(async () => expect(await second.hasExistingStream(id)).toBe("DONE"));
      expect(await first.stopStream(id)).toBe(false);
      expect(await second.stopStream(id)).toBe(false);
      expect(await second.hasExistingStream(id)).toBe("DONE");
    });

    test("called many times at once stops once, and every call settles", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      source.push("text");
      await primary.reached(4);
      const answers = await Promise.all(
        [first, second, first, second].map((context) => context.stopStream(id)),
      );
      expect(answers).toContain(true);
      await expectClosed(primary, "text");
    });

    test("stops a stream whose makeStream hasn't answered yet", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const { promise: called, resolve: onCall } = withResolvers<AbortSignal>();
      const { promise: opened, resolve: open } = withResolvers<void>();
      const primary = first.createNewResumableStream(id, async (context) => {
        onCall(context.signal);
        await opened;
        return source.makeStream(context);
      });
      const signal = await called;
      await second.stopStream(id);
      await until(() => expect(signal.aborted).toBe(true));
      open();
      expectSameText(await readWhole(primary), "");
      await source.cancelled;
      await until(async () => expect(await second.hasExistingStream(id)).toBe("DONE"));
    });

    test("stops a source that ignores its cancellation", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const stubborn = () =>
        new ReadableStream<string>({
          start: (controller) => controller.enqueue("text"),
          cancel: () => new Promise<void>(() => undefined),
        });
      const primary = read(await first.createNewResumableStream(id, stubborn));
      await primary.reached(4);
      expect(await second.stopStream(id)).toBe(true);
      await expectClosed(primary, "text");
      await until(async () => expect(await second.hasExistingStream(id)).toBe("DONE"));
    });
  });
}
