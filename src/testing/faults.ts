// What contexts promise while their backend delivers badly, fails, hangs, or loses a process.

import type { DurableStreamContext } from "../api/types.ts";
import { sleep, systemClock, withDeadline } from "../lib/clock.ts";
import {
  AssertionError,
  contains,
  deepEqual,
  equal,
  expectRejection,
  expectSameText,
  fail,
  show,
} from "./assert.ts";
import { freshId } from "./contract.ts";
import { manualSource, type ManualSource, mustNotProduce, sourceOf } from "./manual-source.ts";
import type { FaultyProcess, FaultyWorld } from "./processes.ts";
import {
  expectClosed,
  expectErrored,
  read,
  readWhole,
  type Reading,
  type ReadingEnd,
  until,
} from "./reading.ts";
import { section, type Section } from "./section.ts";

/** How soon a dead producer is found with `QUICK` options. */
const FOUND_WITHIN_MS = 8_000;
/** How soon a call is told that nothing gets through. */
const TOLD_WITHIN_MS = 6_000;

export const faultPromises: Section<FaultyWorld> = section("faults", (promise) => {
  promise(
    "messages lost, doubled, late and in another order: every follower has the whole text (G1)",
    seeded(async (world) => {
      const [producer, ...others] = await Promise.all([1, 2, 3].map(() => world.createProcess("badly")));
      const id = freshId();
      const source = manualSource();
      const primary = read((await producer?.context.createNewResumableStream(id, source.makeStream)) ?? null);
      const chunks = Array.from({ length: 90 }, (_, index) => `chunk ${index}, `);
      const followers: { from: number; reading: Reading }[] = [];
      for (const [index, chunk] of chunks.entries()) {
        if (index % 30 === 0) {
          const from = index * 2;
          const attached = others.map(({ context }) => context.resumeExistingStream(id, from));
          for (const stream of await Promise.all(attached)) followers.push({ from, reading: read(stream) });
        }
        source.push(chunk);
        await sleep(systemClock, 5);
      }
      source.end();
      const text = chunks.join("");
      await expectClosed(primary, text);
      for (const { from, reading } of followers) await expectClosed(reading, text.slice(from));
    }),
  );

  promise(
    "a stop reaches its producer, however badly messages are delivered",
    seeded(async (world) => {
      const [first, second] = [await world.createProcess("badly"), await world.createProcess("badly")];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.context.createNewResumableStream(id, source.makeStream));
      source.push("so far");
      await primary.reached(6);
      // An answer may be lost where the stop wasn't: what counts is that the stream ends.
      await until(async () => equal((await second.context.stopStream(id)) || source.signal().aborted, true));
      await expectClosed(primary, "so far");
    }),
  );

  promise(
    "a killed producer: followers have what came and then PRODUCER_LOST, within seconds (G4)",
    async (world) => {
      const { first, second, id, follower } = await openFollowed(world);
      first.kill();
      await within(FOUND_WITHIN_MS, "the follower's end", follower.ended);
      await expectErrored(follower, { text: "before ", code: "PRODUCER_LOST" });
      await expectLeft(world, second.context, { id, text: "before " });
    },
  );

  promise(
    "a killed producer's id is produced again, by exactly one of many callers (G3, G4)",
    async (world) => {
      const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => world.createProcess()));
      const id = freshId();
      const source = manualSource();
      const primary = read((await first?.context.createNewResumableStream(id, source.makeStream)) ?? null);
      source.push("before");
      await primary.reached(6);
      first?.kill();
      await until(
        async () => equal(await others[0]?.context.hasExistingStream(id), world.keepsText ? "failed" : null),
        {
          withinMs: FOUND_WITHIN_MS,
        },
      );
      const next = manualSource();
      const readings = await Promise.all(
        Array.from({ length: 9 }, async (_, caller) => {
          const process = others[caller % others.length];
          return read((await process?.context.resumableStream(id, next.makeStream)) ?? null);
        }),
      );
      equal(next.calls(), 1, "how often makeStream ran");
      next.push("after");
      next.end();
      for (const reading of readings) await expectClosed(reading, "after");
    },
  );

  promise(
    "a producer that was cut off and taken over adds nothing when it is back, and ends nothing (G5)",
    async (world) => {
      const [older, newer] = [await world.createProcess(), await world.createProcess()];
      const other = await world.createProcess();
      const id = freshId();
      const [oldSource, newSource] = [manualSource(), manualSource()];
      const oldPrimary = read(await older.context.createNewResumableStream(id, oldSource.makeStream));
      const oldFollower = read(await other.context.resumeExistingStream(id));
      oldSource.push("old ");
      await Promise.all([oldPrimary.reached(4), oldFollower.reached(4)]);
      older.cut();
      oldSource.push("more, unheard ");

      const newPrimary = read(await newer.context.createNewResumableStream(id, newSource.makeStream));
      newSource.push("new ");
      const follower = read(await other.context.resumeExistingStream(id));
      await follower.reached(4);
      older.mend();
      oldSource.push("and late");
      oldSource.end();
      await oldPrimary.ended;
      await expectPart(oldFollower, "old more, unheard and late");
      equal(await other.context.hasExistingStream(id), true);
      newSource.push("text");
      newSource.end();
      const late = await other.context.resumeExistingStream(id);
      for (const reading of [newPrimary, follower]) await expectClosed(reading, "new text");
      if (late) await expectClosed(read(late), "new text");
      await until(async () => equal(await other.context.hasExistingStream(id), "DONE"));
    },
  );

  promise(
    "a follower that is cut off for a moment has the whole text when it is back (G1)",
    async (world) => {
      const { second, source, primary, follower } = await openFollowed(world);
      second.cut();
      source.push("unheard ");
      await primary.reached(15);
      await sleep(systemClock, 300);
      second.mend();
      source.push("after");
      await follower.reached(20);
      source.end();
      for (const reading of [primary, follower]) await expectClosed(reading, "before unheard after");
    },
  );

  promise("a producer that was cut off for a moment loses no text, and repeats none (G1)", async (world) => {
    const { first, source, primary, follower } = await openFollowed(world);
    first.cut();
    source.push("unsent ");
    await primary.reached(14);
    await sleep(systemClock, 300);
    first.mend();
    source.push("after");
    source.end();
    for (const reading of [primary, follower]) await expectClosed(reading, "before unsent after");
  });

  promise(
    "calls that fail for a moment cost the original reader nothing, and followers no text (G1, G2)",
    async (world) => {
      const { first, source, primary, follower } = await openFollowed(world);
      first.reject("rejecting");
      source.push("unsent ");
      await primary.reached(14);
      await sleep(systemClock, 100);
      first.reject("working");
      source.push("after");
      await follower.reached(19);
      source.end();
      for (const reading of [primary, follower]) await expectClosed(reading, "before unsent after");
    },
  );

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
});

/** A stream of one process with a follower in another, where both have come to its first 7 characters. */
async function openFollowed(world: FaultyWorld): Promise<Followed> {
  const [first, second] = [await world.createProcess(), await world.createProcess()];
  const id = freshId();
  const source = manualSource();
  const primary = read(await first.context.createNewResumableStream(id, source.makeStream));
  const follower = read(await second.context.resumeExistingStream(id));
  source.push("before ");
  await Promise.all([primary.reached(7), follower.reached(7)]);
  return { first, second, id, source, primary, follower };
}

interface Followed {
  first: FaultyProcess;
  second: FaultyProcess;
  id: string;
  source: ManualSource;
  primary: Reading;
  follower: Reading;
}

/** A failure names the seed that repeats it. */
function seeded(run: (world: FaultyWorld) => Promise<void>): (world: FaultyWorld) => Promise<void> {
  return async (world) => {
    try {
      await run(world);
    } catch (cause) {
      throw new AssertionError(`seed ${world.seed}: ${show(cause)}`, { cause });
    }
  };
}

/** What callers are told of a stream whose producer has died: a relay has nothing of it, a log its text. */
async function expectLeft(
  world: FaultyWorld,
  context: DurableStreamContext,
  { id, text }: { id: string; text: string },
): Promise<void> {
  await until(async () => equal(await context.hasExistingStream(id), world.keepsText ? "failed" : null));
  const left = await context.resumeExistingStream(id);
  deepEqual(left ? await readWhole(left) : left, world.keepsText ? text : undefined);
}

/** A clean end on part of a text is what must never be. */
async function expectPart(reading: Reading, text: string): Promise<void> {
  const end: ReadingEnd = await reading.ended;
  const isPart = end.kind === "errored" && text.startsWith(end.text);
  if (!isPart && !(end.kind === "closed" && end.text === text)) {
    fail(`expected a part of the text and an error, got ${show(end)}`);
  }
}

function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  const late = (): Error => new AssertionError(`${what} took longer than ${timeoutMs} ms`);
  return withDeadline(systemClock, promise, { timeoutMs, late });
}
