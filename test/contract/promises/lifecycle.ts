// close(), and promises that settle (G7).

import { describe, expect, test } from "vitest";
import type { ResumableStreamError } from "../../../src/api/errors.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, sourceOf } from "../manual-source.ts";
import {
  expectClosed,
  expectErrored,
  expectRejection,
  expectResolved,
  expectSameText,
  read,
  readWhole,
  rejectionOf,
} from "../reading.ts";
import { expectTakeable } from "./ends.ts";

export function describeLifecycle(contract: Contract): void {
  describe("close", () => {
    test("may be called again, at once and later", async () => {
      const context = await contract.createContext();
      await expectResolved(Promise.all([context.close(), context.close()]));
      await expectResolved(context.close());
      await expectResolved(context[Symbol.asyncDispose]());
    });

    test("a context that was never used closes", async () => {
      const context = await contract.createContext();
      await expectResolved(context.close());
    });

    test("every call after it rejects with CLOSED", async () => {
      const context = await contract.createContext();
      const { makeStream, calls } = manualSource();
      await context.close();
      await expectRejection(context.resumableStream(freshId(), makeStream), "CLOSED");
      await expectRejection(context.createNewResumableStream(freshId(), makeStream), "CLOSED");
      await expectRejection(context.resumeExistingStream(freshId()), "CLOSED");
      await expectRejection(context.hasExistingStream(freshId()), "CLOSED");
      await expectRejection(context.stopStream(freshId()), "CLOSED");
      expect(calls()).toBe(0);
    });

    test("followers of the closed context error with CLOSED, and the stream goes on", async () => {
      const [first, second, third] = [
        await contract.createContext(),
        await contract.createContext(),
        await contract.createContext(),
      ];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      const [closing, staying] = [
        read(await second.resumeExistingStream(id)),
        read(await third.resumeExistingStream(id)),
      ];
      source.push("before ");
      await Promise.all([closing.reached(7), staying.reached(7)]);
      await second.close();
      await expectErrored(closing, { text: "before ", code: "CLOSED" });
      source.push("after");
      source.end();
      await expectClosed(primary, "before after");
      await expectClosed(staying, "before after");
    });

    test("the closed context's sources are cancelled, its readers error, and its ids are free", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      const follower = read(await second.resumeExistingStream(id));
      source.push("text");
      await Promise.all([primary.reached(4), follower.reached(4)]);
      await first.close();

      await expectErrored(primary, { text: "text", code: "CLOSED" });
      await source.cancelled;
      expect(source.signal().aborted).toBe(true);
      expect(await follower.ended).toMatchObject({ kind: "errored", text: "text" });
      await expectTakeable(contract, { context: second, id, text: "text" });
      expectSameText(await readWhole(second.resumableStream(id, sourceOf(["again"]))), "again");
    });

    test("a call under way when the context closes settles", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const primary = read(await second.createNewResumableStream(id, manualSource().makeStream));
      const settled = Promise.allSettled([
        first.resumableStream(freshId(), manualSource().makeStream).then((stream) => read(stream).ended),
        first.resumeExistingStream(id).then((stream) => read(stream).ended),
        first.hasExistingStream(id),
      ]);
      await first.close();
      await expectResolved(settled);
      await primary.leave();
    });

    test("a context that used others' streams up closes and the others' go on", async () => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(freshId(), source.makeStream));
      expectSameText(await readWhole(second.resumableStream(freshId(), sourceOf(["text"]))), "text");
      await second.close();
      source.push("on");
      source.end();
      await expectClosed(primary, "on");
    });
  });

  describe("waitUntil", () => {
    test("is given a promise that settles once the stream is done", async () => {
      const kept: Promise<unknown>[] = [];
      const context = await contract.createContext({ waitUntil: (promise) => kept.push(promise) });
      const source = manualSource();
      const primary = read(await context.resumableStream(freshId(), source.makeStream));
      expect(kept.length).toBeGreaterThan(0);
      source.push("text");
      source.end();
      await expectClosed(primary, "text");
      await expectResolved(Promise.all(kept));
    });

    test("is given promises that settle, and never reject, when the source fails", async () => {
      const kept: Promise<unknown>[] = [];
      const context = await contract.createContext({ waitUntil: (promise) => kept.push(promise) });
      const source = manualSource();
      const primary = read(await context.resumableStream(freshId(), source.makeStream));
      source.fail(new Error("broken"));
      await primary.ended;
      const throwing = () => {
        throw new Error("broken");
      };
      await rejectionOf(readWhole(context.resumableStream(freshId(), throwing)));
      await expectResolved(Promise.all(kept));
    });

    test("is given promises that settle when the stream is stopped", async () => {
      const kept: Promise<unknown>[] = [];
      const context = await contract.createContext({ waitUntil: (promise) => kept.push(promise) });
      const id = freshId();
      const primary = read(await context.resumableStream(id, manualSource().makeStream));
      await context.stopStream(id);
      await primary.ended;
      await expectResolved(Promise.all(kept));
    });

    test("holds until a reader that left is made up for by the source's own end", async () => {
      const kept: Promise<unknown>[] = [];
      const context = await contract.createContext({ waitUntil: (promise) => kept.push(promise) });
      const source = manualSource();
      const primary = read(await context.resumableStream(freshId(), source.makeStream));
      await primary.leave();
      let isSettled = false;
      const settled = Promise.all(kept).then(() => (isSettled = true));
      source.push("text");
      // An answer from the backend took longer than any settling that was already under way.
      await context.hasExistingStream(freshId());
      expect(isSettled).toBe(false);
      source.end();
      await settled;
    });

    test("may be null", async () => {
      const context = await contract.createContext({ waitUntil: null });
      expectSameText(await readWhole(context.resumableStream(freshId(), sourceOf(["a", "b"]))), "ab");
    });

    test("that throws harms no stream, and is reported", async () => {
      const reported: ResumableStreamError[] = [];
      const context = await contract.createContext({
        waitUntil: () => {
          throw new Error("called outside of a request");
        },
        onError: (error) => reported.push(error),
      });
      expectSameText(await readWhole(context.resumableStream(freshId(), sourceOf(["a", "b"]))), "ab");
      expect(reported.map(({ code }) => code)).toEqual(["WAIT_UNTIL_FAILED"]);
      expect(String(reported[0]?.cause)).toContain("called outside of a request");
    });
  });
}
