// The four calls and their answers; exactly one producer (G3).

import { describe, expect, test } from "vitest";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, mustNotProduce, sourceOf, withResolvers } from "../manual-source.ts";
import { expectClosed, expectSameText, read, readWhole, until } from "../reading.ts";

export function describeCalls(contract: Contract): void {
  describe("calls and their answers", () => {
    test("the first caller produces and the others follow it", async () => {
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
      expect(source.calls()).toBe(1);
    });

    test("of 20 concurrent callers in 3 processes exactly one runs makeStream, and all get its text", async () => {
      const contexts = await Promise.all([1, 2, 3].map(() => contract.createContext()));
      const id = freshId();
      const source = manualSource();

      const readings = await Promise.all(
        Array.from({ length: 20 }, async (_, caller) => {
          const context = contexts[caller % contexts.length];
          return read((await context?.resumableStream(id, source.makeStream)) ?? null);
        }),
      );
      expect(source.calls()).toBe(1);
      source.push("for ", "everybody");
      source.end();

      for (const reading of readings) await expectClosed(reading, "for everybody");
    });

    test("a done stream is null to whoever asks, and makeStream isn't called", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      await readWhole(first.resumableStream(id, sourceOf(["text"])));
      await until(async () => expect(await second.hasExistingStream(id)).toBe("DONE"));

      for (const context of [first, second]) {
        expect(await context.resumableStream(id, mustNotProduce)).toBeNull();
        expect(await context.resumableStream(id, mustNotProduce, 2)).toBeNull();
        expect(await context.resumeExistingStream(id)).toBeNull();
        expect(await context.resumeExistingStream(id, 2)).toBeNull();
      }
    });

    test("a stream nobody made is undefined to resumeExistingStream, and null to hasExistingStream", async () => {
      const context = await contract.createContext();
      const id = freshId();
      expect(await context.resumeExistingStream(id)).toBeUndefined();
      expect(await context.resumeExistingStream(id, 10)).toBeUndefined();
      expect(await context.hasExistingStream(id)).toBeNull();
    });

    test("hasExistingStream is true while a stream runs and DONE after it", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      for (const context of [first, second]) expect(await context.hasExistingStream(id)).toBe(true);

      source.end();
      await primary.ended;
      await until(async () => {
        for (const context of [first, second]) expect(await context.hasExistingStream(id)).toBe("DONE");
      });
    });

    test("asking for a stream that isn't there leaves its id free", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      await second.hasExistingStream(id);
      await second.resumeExistingStream(id);
      await second.stopStream(id);
      expectSameText(await readWhole(first.resumableStream(id, sourceOf(["fresh"]))), "fresh");
    });

    test("createNewResumableStream produces, and others follow", async () => {
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

    test("createNewResumableStream starts a done stream over", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      await readWhole(first.resumableStream(id, sourceOf(["old"])));
      await until(async () => expect(await second.hasExistingStream(id)).toBe("DONE"));

      const source = manualSource();
      const primary = read(await second.createNewResumableStream(id, source.makeStream));
      const follower = read(await first.resumeExistingStream(id));
      source.push("new");
      source.end();
      await expectClosed(primary, "new");
      await expectClosed(follower, "new");
    });

    test("who becomes the producer gets the whole text, whatever offset it named", async () => {
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

    test("makeStream is told its stream's id and a signal that isn't aborted", async () => {
      const context = await contract.createContext();
      const id = freshId();
      const source = manualSource();
      const primary = read(await context.resumableStream(id, source.makeStream));
      expect(source.streamId()).toBe(id);
      expect(source.signal().aborted).toBe(false);
      source.end();
      await primary.ended;
    });

    test("makeStream may be async, and who calls meanwhile follows", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const { promise: opened, resolve: open } = withResolvers<void>();
      const { promise: called, resolve: onCall } = withResolvers<void>();

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

    test("contexts with different key prefixes don't see each other's streams", async () => {
      const [first, second] = [
        await contract.createContext({ keyPrefix: freshId("prefix") }),
        await contract.createContext({ keyPrefix: freshId("prefix") }),
      ];
      const id = freshId();
      const primary = read(await first.createNewResumableStream(id, manualSource().makeStream));
      expect(await second.hasExistingStream(id)).toBeNull();
      expect(await second.resumeExistingStream(id)).toBeUndefined();
      await primary.leave();
    });
  });
}
