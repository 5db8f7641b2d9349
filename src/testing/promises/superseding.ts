// A producer that another took over from does no harm (G5).

import { ResumableStreamError } from "../../port/errors.ts";
import type { DurableStreamContext } from "../../api/types.ts";
import { equal, deepEqual, contains, expectCode, hasLength, show, fail } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource } from "../manual-source.ts";
import { expectClosed, read, until, type Reading } from "../reading.ts";
import { section, type Section } from "../section.ts";

export const supersedingPromises: Section<Contract> = section("superseding", (promise) => {
  for (const where of ["another process", "the same process"]) {
    promise(
      `createNewResumableStream in ${where} supersedes: who follows then gets the newer text only`,
      async (contract) => {
        const { createContext, reported } = reporting(contract);
        const older = await createContext();
        const newer = where === "the same process" ? older : await createContext();
        const other = await createContext();
        const id = freshId();
        const [oldSource, newSource] = [manualSource(), manualSource()];
        const oldPrimary = read(await older.createNewResumableStream(id, oldSource.makeStream));
        oldSource.push("old old old ");
        await oldPrimary.reached(12);

        const newPrimary = read(await newer.createNewResumableStream(id, newSource.makeStream));
        const followers = [read(await other.resumeExistingStream(id))];
        // A log may tell the older producer by its next write only.
        if (contract.keepsText) oldSource.push("unheard ");
        // Until it is told, by a message on another connection, its own process follows it.
        await until(() => deepEqual(codesOf(reported), ["FENCED"]));
        followers.push(read(await older.resumeExistingStream(id)));
        oldSource.push("late ");
        newSource.push("new ");
        for (const follower of followers) await follower.reached(4);
        oldSource.push("later");
        oldSource.end();
        await oldPrimary.ended;
        equal(await other.hasExistingStream(id), true);
        newSource.push("text");
        newSource.end();

        for (const reading of [newPrimary, ...followers]) await expectClosed(reading, "new text");
        await until(() => deepEqual(codesOf(reported), ["FENCED"]));
      },
    );

    promise(
      `a follower of a stream superseded in ${where} gets no newer text, and no clean end on part of the older`,
      async (contract) => {
        const { createContext } = reporting(contract);
        const older = await createContext();
        const newer = where === "the same process" ? older : await createContext();
        const other = await createContext();
        const id = freshId();
        const [oldSource, newSource] = [manualSource(), manualSource()];
        const oldPrimary = read(await older.createNewResumableStream(id, oldSource.makeStream));
        const follower = read(await other.resumeExistingStream(id));
        oldSource.push("old ");
        await follower.reached(4);

        const newPrimary = read(await newer.createNewResumableStream(id, newSource.makeStream));
        newSource.push("NEW NEW NEW");
        oldSource.push("more");
        newSource.end();
        oldSource.end();
        await expectClosed(newPrimary, "NEW NEW NEW");
        await expectPart(oldPrimary, "old more");
        await expectPart(follower, "old more");
      },
    );
  }

  promise(
    "a follower in the superseded producer's process is told that it is lost, also if it is the last reader",
    async (contract) => {
      const { createContext } = reporting(contract);
      const context = await createContext();
      const id = freshId();
      const [oldSource, newSource] = [manualSource(), manualSource()];
      const oldPrimary = await context.createNewResumableStream(id, oldSource.makeStream);
      const follower = read(await context.resumeExistingStream(id));
      oldSource.push("old ");
      await follower.reached(4);
      await oldPrimary?.cancel();

      const newPrimary = read(await context.createNewResumableStream(id, newSource.makeStream));
      // A log may tell the older producer by its next write only.
      oldSource.push("more");
      newSource.push("new");
      newSource.end();
      await expectClosed(newPrimary, "new");
      const end = await follower.ended;
      if (end.kind === "closed") fail(`closed cleanly at ${end.text.length}, not with PRODUCER_LOST`);
      expectCode(end.error, "PRODUCER_LOST");
    },
  );

  promise(
    "the last of several concurrent createNewResumableStream is followed, and all their readers end",
    async (contract) => {
      const { createContext, reported } = reporting(contract);
      const contexts = await Promise.all([1, 2, 3].map(createContext));
      const id = freshId();
      const texts = contexts.map((_, index) => `text of number ${index}`);
      const sources = contexts.map(() => manualSource());
      const primaries = await Promise.all(
        contexts.map(async (context, index) =>
          read(
            await context.createNewResumableStream(
              id,
              sources[index]?.makeStream ?? manualSource().makeStream,
            ),
          ),
        ),
      );
      for (const [index, source] of sources.entries()) source.push(texts[index] ?? "");
      await until(() => deepEqual(codesOf(reported), ["FENCED", "FENCED"]));
      const follower = read((await contexts[0]?.resumeExistingStream(id)) ?? null);
      for (const source of sources) source.end();
      for (const [index, primary] of primaries.entries()) await expectPart(primary, texts[index] ?? "");
      const end = await follower.ended;
      if (end.kind === "errored") throw end.error;
      contains(texts, end.text);
      hasLength(reported, 2);
    },
  );
});

function codesOf(errors: readonly ResumableStreamError[]): string[] {
  return errors.map(({ code }) => code);
}

/** Contexts of a superseded producer, which has no caller left to tell: it says so in `reported`, once. */
function reporting(contract: Contract): {
  createContext: () => Promise<DurableStreamContext>;
  reported: ResumableStreamError[];
} {
  const reported: ResumableStreamError[] = [];
  return {
    createContext: () => contract.createContext({ onError: (error) => reported.push(error) }),
    reported,
  };
}

/** All of the text and a clean end, or a part of it and an error. */
async function expectPart(reading: Reading, text: string): Promise<void> {
  const end = await reading.ended;
  const isWhole = end.kind === "closed" && end.text === text;
  const isPart =
    end.kind === "errored" &&
    text.startsWith(end.text) &&
    end.error instanceof ResumableStreamError &&
    ["PRODUCER_LOST", "FENCED"].includes(end.error.code);
  if (!isWhole && !isPart) fail(`expected the whole text, or a part of it and an error, got ${show(end)}`);
}
