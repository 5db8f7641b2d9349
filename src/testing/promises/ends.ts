// Every end is told apart (G6), and a source that fails frees its id.

import type { ResumableStreamError } from "../../port/errors.ts";
import type { DurableStreamContext, MakeStream } from "../../api/types.ts";
import { endOf } from "../../engine/ends.ts";
import {
  contains,
  equal,
  deepEqual,
  expectSameText,
  rejectionOf,
  expectTypeError,
  expectCode,
} from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { type ManualSource, manualSource, sourceOf } from "../manual-source.ts";
import { expectClosed, expectErrored, read, readWhole, until } from "../reading.ts";
import { section, type Section } from "../section.ts";

export const endPromises: Section<Contract> = section("ends", (promise) => {
  promise("a source that errors gives all readers its text and then SOURCE_FAILED", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    const sameProcess = read(await first.resumeExistingStream(id));
    const otherProcess = read(await second.resumeExistingStream(id));
    source.push("up to ", "here");
    await primary.reached(10);
    const cause = new Error("model overloaded");
    source.fail(cause);

    const error = await expectErrored(primary, { text: "up to here", code: "SOURCE_FAILED" });
    equal(error.cause, cause);
    await expectErrored(sameProcess, { text: "up to here", code: "SOURCE_FAILED" });
    await expectErrored(otherProcess, { text: "up to here", code: "SOURCE_FAILED" });
  });

  promise("endOf tells all readers how a stream ended", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const ends: Record<string, (id: string, source: ManualSource) => unknown> = {
      done: (_id, source) => source.end(),
      stopped: (id) => second.stopStream(id),
      failed: (_id, source) => source.fail(new Error("model overloaded")),
    };
    for (const [end, makeEnd] of Object.entries(ends)) {
      const id = freshId(end);
      const source = manualSource();
      const streams = [
        await first.createNewResumableStream(id, source.makeStream),
        await first.resumeExistingStream(id),
        await second.resumeExistingStream(id),
      ];
      const readings = streams.map(read);
      source.push("text");
      await Promise.all(readings.map((reading) => reading.reached(4)));
      await makeEnd(id, source);
      await Promise.all(readings.map((reading) => reading.ended));
      const told = await Promise.all(streams.map((stream) => endOf(stream ?? new ReadableStream())));
      deepEqual(told, [end, end, end]);
    }
  });

  for (const end of ["done", "stopped", "failed"] as const) {
    promise(`${end}: once a reader was given it, every call finds it, followed or not`, async (contract) => {
      for (const isFollowed of [false, true]) await expectFoundAtOnce(contract, { end, isFollowed });
    });
  }

  promise(
    "endOf tells nothing to a reader that left, and refuses a stream of another kind",
    async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const streams = [
        (await first.createNewResumableStream(id, source.makeStream)) ?? new ReadableStream<string>(),
        (await second.resumeExistingStream(id)) ?? new ReadableStream<string>(),
      ];
      await Promise.all(streams.map((stream) => stream.cancel()));
      deepEqual(await Promise.all(streams.map((stream) => endOf(stream))), [undefined, undefined]);
      await expectTypeError((async () => endOf(new ReadableStream()))(), "stream");
      source.end();
    },
  );

  promise("the id of a failed stream is free, and can be produced again", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.resumableStream(id, source.makeStream));
    source.push("doomed");
    await primary.reached(6);
    source.fail(new Error("broken"));
    await primary.ended;

    await expectTakeable(contract, { context: second, id, text: "doomed" });
    expectSameText(await readWhole(second.resumableStream(id, sourceOf(["again"]))), "again");
  });

  const failures: [string, MakeStream][] = [
    [
      "throws",
      () => {
        throw new Error("no such model");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no such model"))],
    ["returns no stream", (() => "text") as unknown as MakeStream],
    ["resolves to no stream", (async () => undefined) as unknown as MakeStream],
    [
      "returns a locked stream",
      () => {
        const stream = new ReadableStream<string>();
        stream.getReader();
        return stream;
      },
    ],
  ];
  for (const [what, makeStream] of failures) {
    for (const call of ["resumableStream", "createNewResumableStream"] as const) {
      promise(`makeStream that ${what} fails ${call}, and its id is free`, async (contract) => {
        const [first, second] = [await contract.createContext(), await contract.createContext()];
        const id = freshId();
        const error = await failureOf(first[call](id, makeStream));
        // Which of both tells a broken source from a caller's mistake is the implementation's choice.
        const isMistake = error instanceof TypeError && error.message.includes("makeStream");
        if (!isMistake) expectCode(error, "SOURCE_FAILED");
        await expectTakeable(contract, { context: second, id, text: "" });
      });
    }
  }

  promise("a source that gives something else than text fails, after the text it gave", async (contract) => {
    const context = await contract.createContext();
    const id = freshId();
    const makeStream = sourceOf(["text", 42 as unknown as string, "more"]);
    const primary = read(await context.resumableStream(id, makeStream));
    await expectErrored(primary, { text: "text", code: "SOURCE_FAILED" });
    await expectTakeable(contract, { context, id, text: "text" });
  });

  promise("a source of bytes fails, and its error names what makes text of them", async (contract) => {
    const context = await contract.createContext();
    const makeStream = sourceOf([new TextEncoder().encode("bytes") as unknown as string]);
    const error = await failureOf(context.resumableStream(freshId(), makeStream));
    expectCode(error, "SOURCE_FAILED");
    contains(String((error as Error).cause), "TextDecoderStream");
  });

  promise("a failure that no reader here hears of is told to onError, with its cause", async (contract) => {
    const reported: ResumableStreamError[] = [];
    const context = await contract.createContext({ onError: (error) => reported.push(error) });
    const source = manualSource();
    const stream = await context.createNewResumableStream(freshId(), source.makeStream);
    await stream?.cancel();
    source.push("text");
    const cause = new Error("the model is away");
    source.fail(cause);
    await until(() => equal(reported[0]?.cause, cause));
    equal(reported[0]?.code, "SOURCE_FAILED");
  });

  promise("the signal of a source that gives something else than text is aborted", async (contract) => {
    const context = await contract.createContext();
    const made: AbortSignal[] = [];
    const stream = await context.createNewResumableStream(freshId(), ({ signal }) => {
      made.push(signal);
      return sourceOf([42 as unknown as string])({ streamId: "", signal });
    });
    expectCode(await failureOf(Promise.resolve(stream)), "SOURCE_FAILED");
    equal(made[0]?.aborted, true);
  });

  promise("a source whose cancel throws is stopped all the same", async (contract) => {
    const context = await contract.createContext({ onError: () => undefined });
    const id = freshId();
    let settled: Promise<unknown> | undefined;
    const producing = await contract.createContext({
      onError: () => undefined,
      waitUntil: (kept) => void (settled = kept),
    });
    // As a stream of another library may do it, while the platform's would reject.
    const broken = {
      getReader: () => ({
        read: () => new Promise(() => undefined),
        cancel: () => {
          throw new Error("cancel is broken");
        },
      }),
    };
    const primary = read(
      await producing.createNewResumableStream(id, () => broken as unknown as ReadableStream<string>),
    );
    equal(await context.stopStream(id), true);
    await expectClosed(primary, "");
    await settled;
    await until(async () => equal(await context.hasExistingStream(id), "DONE"));
  });

  promise("an empty stream is done", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    expectSameText(await readWhole(first.resumableStream(id, sourceOf([]))), "");
    await until(async () => equal(await second.hasExistingStream(id), "DONE"));
  });
});

interface EndedStream {
  end: "done" | "stopped" | "failed";
  isFollowed: boolean;
}

/** A store may take 250 ms before its end is told without it: what took longer than this says nothing. */
const IN_TIME_MS = 200;
const ROUNDS = 20;

/** Asks right after the end was told, and not again until the answer is right (G13). */
async function expectFoundAtOnce(contract: Contract, { end, isFollowed }: EndedStream): Promise<void> {
  const [first, second] = [await contract.createContext(), await contract.createContext()];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const id = freshId(end);
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    const follower = isFollowed ? read(await second.resumeExistingStream(id)) : undefined;
    source.push("text");
    await Promise.all([primary.reached(4), follower?.reached(4)]);
    const startedAt = performance.now();
    if (end === "done") source.end();
    else if (end === "failed") source.fail(new Error("model overloaded"));
    else await second.stopStream(id);
    await primary.ended;
    if (performance.now() - startedAt > IN_TIME_MS && round < ROUNDS) continue;

    const ofFailed = contract.keepsText ? "failed" : null;
    const statuses = await Promise.all([second, first].map((context) => context.hasExistingStream(id)));
    const status = end === "failed" ? ofFailed : "DONE";
    deepEqual(statuses, [status, status]);
    await follower?.ended;
    const again = await second.resumableStream(id, sourceOf(["again"]));
    equal(again === null ? null : await readWhole(again), end === "failed" ? "again" : null);
    return;
  }
}

/**
 * Resolves once a stream that ended badly is nobody's, from the answers a user sees: a relay has nothing of it, a log has
 * the text it came to, and gives it with a clean end.
 */
export async function expectTakeable(
  contract: Contract,
  { context, id, text }: { context: DurableStreamContext; id: string; text: string },
): Promise<void> {
  const status = contract.keepsText ? "failed" : null;
  await until(async () => equal(await context.hasExistingStream(id), status));
  // Not at once: until its producer has set the id free, which takes it a few calls, a relay's stream errors once more.
  await until(async () => {
    const left = await context.resumeExistingStream(id);
    equal(left ? await readWhole(left) : left, contract.keepsText ? text : undefined);
  });
}

/** A failure to make a source may reject the call or error its stream: either way the caller's `try` sees it. */
async function failureOf(call: Promise<ReadableStream<string> | null>): Promise<unknown> {
  return rejectionOf(readWhole(call));
}
