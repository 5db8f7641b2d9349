// Two texts under one id are never joined (G14): a position, and a stop, are of one generation.

import type { DurableStreamContext } from "../../api/types.ts";
import { generationOf } from "../../engine/ends.ts";
import { AssertionError, equal, expectCode, expectTypeError, rejectionOf } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { type ManualSource, manualSource, sourceOf } from "../manual-source.ts";
import { expectClosed, read, until, type Reading } from "../reading.ts";
import { section, type Section } from "../section.ts";

interface Answer {
  source: ManualSource;
  reading: Reading;
  mark: string;
}

/** An answer under an id, as far as its first words. */
async function answer(context: DurableStreamContext, id: string, text: string): Promise<Answer> {
  const source = manualSource();
  const stream = await context.createNewResumableStream(id, source.makeStream);
  const reading = read(stream);
  source.push(text);
  await reading.reached(text.length);
  return { source, reading, mark: markOf(stream) };
}

/** The mark that readers of a stream are given; fails the promise if there is none. */
function markOf(stream: ReadableStream<string> | null | undefined): string {
  const mark = stream ? generationOf(stream) : undefined;
  if (mark === undefined) throw new AssertionError("A stream that was claimed has no generation.");
  return mark;
}

export const generationPromises: Section<Contract> = section("generations", (promise) => {
  promise(
    "a position of the stream that runs is followed, next to its producer and elsewhere",
    async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const { source, mark } = await answer(first, id, "0123456789");
      for (const context of [first, second]) {
        const stream = await context.resumeExistingStream(id, `4.${mark}`);
        equal(markOf(stream), mark);
        const reading = read(stream);
        const produced = read(await context.resumableStream(id, sourceOf(["another"]), `4.${mark}`));
        await Promise.all([reading.reached(6), produced.reached(6)]);
        equal(reading.text(), "456789");
        equal(produced.text(), "456789");
      }
      source.end();
    },
  );

  promise("a position in an answer that another superseded gets nothing of the other", async (contract) => {
    // The superseded producer is told so.
    const onError = (): void => undefined;
    const [first, second] = [
      await contract.createContext({ onError }),
      await contract.createContext({ onError }),
    ];
    const id = freshId();
    const old = await answer(first, id, "the old answer");
    const recent = await answer(second, id, "the new answer, which is longer");
    let runs = 0;
    for (const context of [first, second]) {
      // Until the superseded producer is told, its own process may still follow it.
      await until(async () => equal(await context.resumeExistingStream(id, `4.${old.mark}`), undefined));
      const makeStream = () => {
        runs += 1;
        return new ReadableStream<string>();
      };
      expectCode(
        await rejectionOf(context.resumableStream(id, makeStream, `4.${old.mark}`)),
        "PRODUCER_LOST",
      );
    }
    equal(runs, 0);
    const still = read(await first.resumeExistingStream(id, `4.${recent.mark}`));
    recent.source.end();
    await expectClosed(still, "new answer, which is longer");
    old.source.end();
  });

  promise(
    "a position in an answer that was stopped gets nothing of the one asked for after it",
    async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const old = await answer(first, id, "the old answer");
      equal(await second.stopStream(id), true);
      await expectClosed(old.reading, "the old answer");
      const recent = await answer(second, id, "the new answer, which is longer");
      for (const context of [first, second]) {
        equal(await context.resumeExistingStream(id, `4.${old.mark}`), undefined);
      }
      recent.source.end();
      await expectClosed(recent.reading, "the new answer, which is longer");
      await until(async () => equal(await first.hasExistingStream(id), "DONE"));
      // The id is done, by another answer than the one that was asked for.
      equal(await first.resumeExistingStream(id, `4.${old.mark}`), undefined);
      equal(await first.resumeExistingStream(id, `4.${recent.mark}`), null);
      equal(await first.resumableStream(id, sourceOf(["anew"]), `4.${recent.mark}`), null);
      expectCode(
        await rejectionOf(first.resumableStream(id, sourceOf(["anew"]), `4.${old.mark}`)),
        "PRODUCER_LOST",
      );
    },
  );

  promise("a position of a stream that there never was produces nothing", async (contract) => {
    const context = await contract.createContext();
    const id = freshId();
    equal(await context.resumeExistingStream(id, "0.k3f9x2"), undefined);
    expectCode(
      await rejectionOf(context.resumableStream(id, sourceOf(["text"]), "0.k3f9x2")),
      "PRODUCER_LOST",
    );
    equal(await context.hasExistingStream(id), null);
  });

  promise("lastEnd tells the generation and the length of what ended well last", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    equal(await second.lastEnd(id), null);
    const { source, reading, mark } = await answer(first, id, "0123456789");
    source.end();
    await expectClosed(reading, "0123456789");
    await until(async () => {
      const last = await second.lastEnd(id);
      equal(last?.generation, mark);
      equal(last?.length, 10);
    });
  });

  promise("a stop of the answer before stops nothing; one of this answer does", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const old = await answer(first, id, "the old answer");
    equal(await second.stopStream(id, { generation: old.mark }), true);
    await expectClosed(old.reading, "the old answer");
    const recent = await answer(second, id, "the new ");
    for (const context of [first, second]) {
      equal(await context.stopStream(id, { generation: old.mark }), false);
    }
    recent.source.push("answer");
    await recent.reading.reached(14);
    equal(await first.stopStream(id, { generation: recent.mark, reason: "enough" }), true);
    await expectClosed(recent.reading, "the new answer");
    equal(await first.stopStream(id, { generation: recent.mark }), false);
  });

  promise("what is no position, or no generation, is a TypeError that names it", async (contract) => {
    const context = await contract.createContext();
    for (const position of ["", "1.", "x", "1.5.6", "-1.k3", "1.K3", "1.zzzzzzzzzzzz"]) {
      await expectTypeError(context.resumeExistingStream("a", position), "skipCharacters");
      await expectTypeError(context.resumableStream("a", sourceOf([]), position), "skipCharacters");
    }
    for (const generation of ["", "K3", "1.5", 7 as unknown as string]) {
      await expectTypeError(context.stopStream("a", { generation }), "generation");
    }
  });

  promise("a text that was read to a position, and resumed there, is one text", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const { source, mark } = await answer(first, id, "half of ");
    const resumed = read(await second.resumeExistingStream(id, `5.${mark}`));
    source.push("the text");
    source.end();
    await expectClosed(resumed, "of the text");
  });
});
