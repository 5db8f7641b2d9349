// An answer is handed over once, and nothing is over before it is (G15).

import type { EndedStream } from "../../api/on-end.ts";
import type { CommonOptions } from "../../api/common-options.ts";
import type { DurableStreamContext } from "../../api/types.ts";
import { generationOf } from "../../engine/ends.ts";
import { background } from "../../lib/background.ts";
import { createDeferred } from "../../lib/deferred.ts";
import type { ResumableStreamError } from "../../port/errors.ts";
import { contains, deepEqual, equal } from "../assert.ts";
import { type Contract, freshId } from "../contract.ts";
import { manualSource, mustNotProduce } from "../manual-source.ts";
import { expectClosed, expectErrored, read, until } from "../reading.ts";
import { section, type Section } from "../section.ts";

/** An `onEnd` that tells what it was given, and settles when the test says so. */
function openTaking(): {
  taken: EndedStream[];
  onEnd: (ended: EndedStream) => Promise<void>;
  settle: (error?: Error) => void;
} {
  const taken: EndedStream[] = [];
  const settled = createDeferred<void>();
  // It may be rejected before anybody waits for it.
  background(settled.promise, () => undefined);
  return {
    taken,
    onEnd: (ended) => {
      taken.push(ended);
      return settled.promise;
    },
    settle: (error) => (error ? settled.reject(error) : settled.resolve()),
  };
}

async function createTwo(
  contract: Contract,
  options: Partial<CommonOptions>,
): Promise<[DurableStreamContext, DurableStreamContext]> {
  return [await contract.createContext(options), await contract.createContext()];
}

export const handOverPromises: Section<Contract> = section("onEnd", (promise) => {
  promise("is given a stream that is done, once, and until it has it the stream runs", async (contract) => {
    const taking = openTaking();
    const [first, second] = await createTwo(contract, { onEnd: taking.onEnd });
    const id = freshId();
    const source = manualSource();
    const before = Date.now();
    const stream = await first.createNewResumableStream(id, source.makeStream);
    const primary = read(stream);
    const follower = read(await second.resumeExistingStream(id));
    source.push("the whole ", "text");
    source.end();
    await until(() => equal(taking.taken.length, 1));
    await Promise.all([primary.reached(14), follower.reached(14)]);

    for (const context of [first, second]) {
      equal(await context.hasExistingStream(id), true);
      const late = read(await context.resumeExistingStream(id, 4));
      await late.reached(10);
      await late.leave();
    }
    taking.settle();
    for (const reading of [primary, follower]) await expectClosed(reading, "the whole text");
    await until(async () => {
      for (const context of [first, second]) equal(await context.hasExistingStream(id), "DONE");
    });
    const [ended] = taking.taken;
    const { startedAt, ...rest } = ended ?? {};
    const generation = stream ? generationOf(stream) : undefined;
    const expected = { streamId: id, generation, end: "done", text: "the whole text", error: undefined };
    deepEqual(rest, expected);
    equal(Number(startedAt) >= before - 1_000 && Number(startedAt) <= Date.now() + 1_000, true);
    equal(taking.taken.length, 1, "how often onEnd was called");
  });

  for (const from of ["the same process", "another process"]) {
    promise(`is given a stream that ${from} stops, before the stop is answered`, async (contract) => {
      const taking = openTaking();
      const [first, second] = await createTwo(contract, { onEnd: taking.onEnd });
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      source.push("so far");
      await primary.reached(6);
      let isAnswered = false;
      const stopping = (from === "the same process" ? first : second).stopStream(id).then((isStopped) => {
        isAnswered = true;
        return isStopped;
      });
      await until(() => equal(taking.taken.length, 1));
      equal(await second.hasExistingStream(id), true);
      equal(isAnswered, false);
      taking.settle();
      equal(await stopping, true);
      await expectClosed(primary, "so far");
      deepEqual(
        taking.taken.map(({ end, text }) => ({ end, text })),
        [{ end: "stopped", text: "so far" }],
      );
    });
  }

  promise("is given a stream that failed, with the source's own error", async (contract) => {
    const taking = openTaking();
    const [first] = await createTwo(contract, { onEnd: taking.onEnd });
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    source.push("half");
    await primary.reached(4);
    const error = new Error("model overloaded");
    source.fail(error);
    taking.settle();
    await expectErrored(primary, { text: "half", code: "SOURCE_FAILED" });
    equal(taking.taken.length, 1);
    equal(taking.taken[0]?.error, error);
    deepEqual([taking.taken[0]?.end, taking.taken[0]?.text], ["failed", "half"]);
  });

  promise("that rejects is reported, and the stream ends as it would have", async (contract) => {
    const reported: ResumableStreamError[] = [];
    const onError = (error: ResumableStreamError): void => void reported.push(error);
    const taking = openTaking();
    const [first] = await createTwo(contract, { onEnd: taking.onEnd, onError });
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    source.push("text");
    source.end();
    taking.settle(new Error("no room for it"));
    await expectClosed(primary, "text");
    deepEqual(
      reported.map(({ code }) => code),
      ["ON_END_FAILED"],
    );
    contains(String(reported[0]?.cause), "no room for it");
  });

  promise("that never settles is waited for no longer than onEndTimeoutMs", async (contract) => {
    const reported: ResumableStreamError[] = [];
    const onError = (error: ResumableStreamError): void => void reported.push(error);
    const onEnd = (): Promise<void> => new Promise(() => undefined);
    const [first] = await createTwo(contract, { onEnd, onEndTimeoutMs: 50, onError });
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(freshId(), source.makeStream));
    source.push("text");
    source.end();
    await expectClosed(primary, "text");
    equal(reported[0]?.code, "ON_END_FAILED");
  });

  promise("is given a superseded stream as lost, and what superseded it by itself", async (contract) => {
    const taken: EndedStream[] = [];
    const [first, second] = [
      await contract.createContext({ onEnd: (ended) => taken.push(ended), onError: () => undefined }),
      await contract.createContext({ onEnd: (ended) => taken.push(ended) }),
    ];
    const id = freshId();
    const [older, newer] = [manualSource(), manualSource()];
    const primary = read(await first.createNewResumableStream(id, older.makeStream));
    older.push("older");
    await primary.reached(5);
    const next = read(await second.createNewResumableStream(id, newer.makeStream));
    await until(() => deepEqual(taken.map(told), ["lost older"]));
    newer.push("newer");
    newer.end();
    await expectClosed(next, "newer");
    older.end();
    await primary.ended;
    deepEqual(taken.map(told), ["lost older", "done newer"]);
    equal(new Set(taken.map(({ generation }) => generation)).size, 2);
  });

  promise("is given what its closing context cuts, and close waits for it", async (contract) => {
    const taking = openTaking();
    const [first] = await createTwo(contract, { onEnd: taking.onEnd });
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(freshId(), source.makeStream));
    source.push("cut");
    await primary.reached(3);
    let isClosed = false;
    const closing = first.close().then(() => (isClosed = true));
    await until(() => deepEqual(taking.taken.map(told), ["lost cut"]));
    equal(isClosed, false);
    taking.settle();
    await closing;
    await expectErrored(primary, { text: "cut", code: "PRODUCER_LOST" });
  });
});

export const drainPromises: Section<Contract> = section("close with drainMs", (promise) => {
  promise("lets streams end, and takes no new ones meanwhile", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const [id, other] = [freshId(), freshId()];
    const [source, otherSource] = [manualSource(), manualSource()];
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    const theirs = read(await second.createNewResumableStream(other, otherSource.makeStream));
    const moving = read(await first.resumeExistingStream(other));
    source.push("before ");
    otherSource.push("theirs");
    await Promise.all([primary.reached(7), moving.reached(6)]);
    const closing = first.close({ drainMs: 60_000 });

    // Readers of what runs elsewhere can go there at once.
    await expectErrored(moving, { text: "theirs", code: "CLOSED" });
    const refused = await Promise.allSettled([
      first.createNewResumableStream(freshId(), mustNotProduce),
      first.resumableStream(freshId(), mustNotProduce),
      first.resumeExistingStream(other),
    ]);
    deepEqual(
      refused.map((each) => each.status === "rejected" && (each.reason as { code: string }).code),
      ["CLOSED", "CLOSED", "CLOSED"],
    );
    // Streams that run here can still be read and stopped, from here and elsewhere.
    const [here, there] = [
      read(await first.resumeExistingStream(id)),
      read(await second.resumeExistingStream(id)),
    ];
    source.push("after");
    source.end();
    for (const reading of [primary, here, there]) await expectClosed(reading, "before after");
    await closing;
    equal(await second.hasExistingStream(id), "DONE");
    otherSource.end();
    await expectClosed(theirs, "theirs");
  });

  promise("ends what is left after it, with the same code on either side", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    const follower = read(await second.resumeExistingStream(id));
    source.push("part");
    await Promise.all([primary.reached(4), follower.reached(4)]);
    await first.close({ drainMs: 50 });
    for (const reading of [primary, follower]) {
      await expectErrored(reading, { text: "part", code: "PRODUCER_LOST" });
    }
    equal(source.signal().aborted, true);
  });

  promise("is over at once when close is called again without", async (contract) => {
    const context = await contract.createContext();
    const source = manualSource();
    const primary = read(await context.createNewResumableStream(freshId(), source.makeStream));
    const draining = context.close({ drainMs: 600_000 });
    await context.close();
    await draining;
    await expectErrored(primary, { text: "", code: "PRODUCER_LOST" });
  });
});

function told({ end, text }: EndedStream): string {
  return `${end} ${text}`;
}
