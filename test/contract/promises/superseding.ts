// A producer that another took over from does no harm (G5).

import { inspect } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { ResumableStreamError } from "../../../src/api/errors.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource } from "../manual-source.ts";
import { expectClosed, read, type Reading, until } from "../reading.ts";

export function describeSuperseding(contract: Contract): void {
  let reported: ResumableStreamError[] = [];
  /** A superseded producer has no caller left to tell: it says so here, once. */
  const createContext = () => contract.createContext({ onError: (error) => reported.push(error) });

  beforeEach(() => {
    reported = [];
  });

  describe("superseding", () => {
    for (const where of ["another process", "the same process"]) {
      test(`createNewResumableStream in ${where} supersedes: who follows then gets the newer text only`, async () => {
        const older = await createContext();
        const newer = where === "the same process" ? older : await createContext();
        const other = await createContext();
        const id = freshId();
        const [oldSource, newSource] = [manualSource(), manualSource()];
        const oldPrimary = read(await older.createNewResumableStream(id, oldSource.makeStream));
        oldSource.push("old old old ");
        await oldPrimary.reached(12);

        const newPrimary = read(await newer.createNewResumableStream(id, newSource.makeStream));
        const followers = [
          read(await other.resumeExistingStream(id)),
          read(await older.resumeExistingStream(id)),
        ];
        oldSource.push("late ");
        newSource.push("new ");
        for (const follower of followers) await follower.reached(4);
        oldSource.push("later");
        oldSource.end();
        await oldPrimary.ended;
        expect(await other.hasExistingStream(id)).toBe(true);
        newSource.push("text");
        newSource.end();

        for (const reading of [newPrimary, ...followers]) await expectClosed(reading, "new text");
        await until(() => expect(reported.map(({ code }) => code)).toEqual(["FENCED"]));
      });

      test(`a follower of a stream superseded in ${where} gets no newer text, and no clean end on part of the older`, async () => {
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
      });
    }

    test("the last of several concurrent createNewResumableStream is followed, and all their readers end", async () => {
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
      await until(() => expect(reported.map(({ code }) => code)).toEqual(["FENCED", "FENCED"]));
      const follower = read((await contexts[0]?.resumeExistingStream(id)) ?? null);
      for (const source of sources) source.end();
      for (const [index, primary] of primaries.entries()) await expectPart(primary, texts[index] ?? "");
      const end = await follower.ended;
      if (end.kind === "errored") throw end.error;
      expect(texts).toContain(end.text);
      expect(reported).toHaveLength(2);
    });
  });
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
  expect(isWhole || isPart ? "whole, or a part and an error" : inspect(end)).toBe(
    "whole, or a part and an error",
  );
}
