// close(), and promises that settle (G7).

import type { ResumableStreamError } from "../../port/errors.ts";
import {
  equal,
  deepEqual,
  contains,
  expectSameText,
  rejectionOf,
  expectRejection,
  expectResolved,
} from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, sourceOf } from "../manual-source.ts";
import { expectClosed, expectErrored, read, readWhole } from "../reading.ts";
import { section, type Section } from "../section.ts";
import { expectTakeable } from "./ends.ts";

export const closePromises: Section<Contract> = section("close", (promise) => {
  promise("may be called again, at once and later", async (contract) => {
    const context = await contract.createContext();
    await expectResolved(Promise.all([context.close(), context.close()]));
    await expectResolved(context.close());
    await expectResolved(context[Symbol.asyncDispose]());
  });

  promise("a context that was never used closes", async (contract) => {
    const context = await contract.createContext();
    await expectResolved(context.close());
  });

  promise("every call after it rejects with CLOSED", async (contract) => {
    const context = await contract.createContext();
    const { makeStream, calls } = manualSource();
    await context.close();
    await expectRejection(context.resumableStream(freshId(), makeStream), "CLOSED");
    await expectRejection(context.createNewResumableStream(freshId(), makeStream), "CLOSED");
    await expectRejection(context.resumeExistingStream(freshId()), "CLOSED");
    await expectRejection(context.hasExistingStream(freshId()), "CLOSED");
    await expectRejection(context.stopStream(freshId()), "CLOSED");
    equal(calls(), 0);
  });

  promise("followers of the closed context error with CLOSED, and the stream goes on", async (contract) => {
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

  promise(
    "the closed context's sources are cancelled, its readers error, and its ids are free",
    async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      const follower = read(await second.resumeExistingStream(id));
      source.push("text");
      await Promise.all([primary.reached(4), follower.reached(4)]);
      await first.close();

      // One deploy, one code, on either side.
      await expectErrored(primary, { text: "text", code: "PRODUCER_LOST" });
      await source.cancelled;
      equal(source.signal().aborted, true);
      equal((source.signal().reason as Error).name, "AbortError");
      await expectErrored(follower, { text: "text", code: "PRODUCER_LOST" });
      await expectTakeable(contract, { context: second, id, text: "text" });
      expectSameText(await readWhole(second.resumableStream(id, sourceOf(["again"]))), "again");
    },
  );

  promise("a call under way when the context closes settles", async (contract) => {
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

  promise("a stream whose claim is under way when the context closes runs nowhere", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    await Promise.all([first, second].map((context) => context.hasExistingStream(freshId())));
    const ids = [freshId(), freshId()] as const;
    const settled = Promise.allSettled([
      first.createNewResumableStream(ids[0], manualSource().makeStream).then((stream) => read(stream).ended),
      first.resumableStream(ids[1], manualSource().makeStream).then((stream) => read(stream).ended),
    ]);
    // Far enough for the claim to be sent, and no further.
    for (let n = 0; n < 3; n++) await Promise.resolve();
    await first.close();
    await expectResolved(settled);
    const closedAt = performance.now();
    for (const id of ids) {
      await expectTakeable(contract, { context: second, id, text: "" });
      expectSameText(await readWhole(second.resumableStream(id, sourceOf(["again"]))), "again");
    }
    // By a silence or a lease others would find out, too, in 5 s or longer.
    equal(performance.now() - closedAt < 3_000, true, "they find out at once");
  });

  promise("a context that used others' streams up closes and the others' go on", async (contract) => {
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

export const waitUntilPromises: Section<Contract> = section("waitUntil", (promise) => {
  promise("is given a promise that settles once the stream is done", async (contract) => {
    const kept: Promise<unknown>[] = [];
    const context = await contract.createContext({ waitUntil: (settled) => kept.push(settled) });
    const source = manualSource();
    const primary = read(await context.resumableStream(freshId(), source.makeStream));
    equal(kept.length > 0, true, "waitUntil was given a promise");
    source.push("text");
    source.end();
    await expectClosed(primary, "text");
    await expectResolved(Promise.all(kept));
  });

  promise("is given promises that settle, and never reject, when the source fails", async (contract) => {
    const kept: Promise<unknown>[] = [];
    const context = await contract.createContext({ waitUntil: (settled) => kept.push(settled) });
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

  promise("is given promises that settle when the stream is stopped", async (contract) => {
    const kept: Promise<unknown>[] = [];
    const context = await contract.createContext({ waitUntil: (settled) => kept.push(settled) });
    const id = freshId();
    const primary = read(await context.resumableStream(id, manualSource().makeStream));
    await context.stopStream(id);
    await primary.ended;
    await expectResolved(Promise.all(kept));
  });

  promise("holds until a reader that left is made up for by the source's own end", async (contract) => {
    const kept: Promise<unknown>[] = [];
    const context = await contract.createContext({ waitUntil: (settled) => kept.push(settled) });
    const source = manualSource();
    const primary = read(await context.resumableStream(freshId(), source.makeStream));
    await primary.leave();
    let isSettled = false;
    const settled = Promise.all(kept).then(() => (isSettled = true));
    source.push("text");
    // An answer from the backend took longer than any settling that was already under way.
    await context.hasExistingStream(freshId());
    equal(isSettled, false);
    source.end();
    await settled;
  });

  promise("may be null", async (contract) => {
    const context = await contract.createContext({ waitUntil: null });
    expectSameText(await readWhole(context.resumableStream(freshId(), sourceOf(["a", "b"]))), "ab");
  });

  promise("that throws harms no stream, and is reported", async (contract) => {
    const reported: ResumableStreamError[] = [];
    const context = await contract.createContext({
      waitUntil: () => {
        throw new Error("called outside of a request");
      },
      onError: (error) => reported.push(error),
    });
    expectSameText(await readWhole(context.resumableStream(freshId(), sourceOf(["a", "b"]))), "ab");
    deepEqual(
      reported.map(({ code }) => code),
      ["WAIT_UNTIL_FAILED"],
    );
    contains(String(reported[0]?.cause), "called outside of a request");
  });
});
