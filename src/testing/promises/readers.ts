// Readers that leave (G12), read slowly (G9), or are many.

import { equal, expectSameText } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource } from "../manual-source.ts";
import { expectClosed, read, readWhole, turns, chunksOf, type Answer } from "../reading.ts";
import { section, type Section } from "../section.ts";

export const readerPromises: Section<Contract> = section("readers", (promise) => {
  promise(
    "a primary reader that leaves doesn't stop the source: followers get the rest",
    async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      source.push("before ");
      await primary.reached(7);
      const attached = read(await second.resumeExistingStream(id));
      await primary.leave();
      source.push("between ");
      await attached.reached(15);
      const late = [read(await first.resumeExistingStream(id)), read(await second.resumeExistingStream(id))];
      source.push("after");
      source.end();
      for (const reading of [attached, ...late]) await expectClosed(reading, "before between after");
      equal(source.signal().aborted, false);
    },
  );

  promise("a primary reader that never reads doesn't hold the source back", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const unread = await first.createNewResumableStream(id, source.makeStream);
    const follower = read(await second.resumeExistingStream(id));
    const text = "x".repeat(2_000_000);
    source.push(text, text);
    source.end();
    await expectClosed(follower, text + text);
    expectSameText(await readWhole(unread), text + text);
  });

  promise("a follower that leaves, first or last, changes nothing for the others", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    const [leaver, stayer] = [
      read(await second.resumeExistingStream(id)),
      read(await second.resumeExistingStream(id)),
    ];
    source.push("one ");
    await Promise.all([leaver.reached(4), stayer.reached(4)]);
    await leaver.leave();
    source.push("two ");
    await stayer.reached(8);
    await stayer.leave();
    source.push("three ");
    await primary.reached(14);
    const late = read(await second.resumeExistingStream(id));
    source.push("four");
    source.end();
    await expectClosed(primary, "one two three four");
    await expectClosed(late, "one two three four");
    equal(source.signal().aborted, false);
  });

  promise("a follower that leaves at once leaves no error behind", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    for (let index = 0; index < 20; index += 1) {
      const stream = await second.resumeExistingStream(id);
      source.push("text ");
      await stream?.cancel();
    }
    source.end();
    await expectClosed(primary, "text ".repeat(20));
  });

  promise("a follower slower than the source gets the whole text", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const chunks = Array.from({ length: 8000 }, (_, index) => `${index} `.padStart(1000, "."));
    const source = manualSource();
    const primary = await first.createNewResumableStream(id, source.makeStream);
    const [sameProcess, otherProcess] = [
      await first.resumeExistingStream(id),
      await second.resumeExistingStream(id),
    ];
    source.push(...chunks);
    source.end();
    const slow = [readSlowly(sameProcess), readSlowly(otherProcess)];
    const text = chunks.join("");
    expectSameText(await readWhole(primary), text);
    for (const reading of slow) expectSameText(await reading, text);
  });

  promise("50 followers of one process each get the whole text, from their own offset", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    const start = "0123456789".repeat(10);
    source.push(start);
    await primary.reached(100);
    const followers = await Promise.all(
      Array.from({ length: 50 }, async (_, offset) =>
        read(await second.resumeExistingStream(id, offset * 2)),
      ),
    );
    const chunks = Array.from({ length: 200 }, (_, index) => `${index} `);
    for (const chunk of chunks) source.push(chunk);
    source.end();
    const text = start + chunks.join("");
    for (const [index, follower] of followers.entries()) await expectClosed(follower, text.slice(index * 2));
  });

  promise("many streams at once don't mix", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const streams = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const id = freshId();
        const source = manualSource();
        const primary = read(await first.resumableStream(id, source.makeStream));
        return { id, source, primary, follower: read(await second.resumeExistingStream(id)) };
      }),
    );
    for (let round = 0; round < 20; round += 1) {
      for (const { id, source } of streams) source.push(`${id} round ${round};`);
      await turns(1);
    }
    for (const { source } of streams) source.end();
    for (const { id, primary, follower } of streams) {
      const text = Array.from({ length: 20 }, (_, round) => `${id} round ${round};`).join("");
      await expectClosed(primary, text);
      await expectClosed(follower, text);
    }
  });

  promise(
    "followers that attach while a short stream ends get it whole, or learn that it is done",
    async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      for (let round = 0; round < 10; round += 1) {
        const id = freshId();
        const source = manualSource();
        const primary = read(await first.createNewResumableStream(id, source.makeStream));
        source.push("short ");
        const attaching = [1, 2, 3, 4].map(async () => second.resumeExistingStream(id));
        source.push("stream");
        source.end();
        for (const answer of await Promise.all(attaching)) {
          if (answer !== null) await expectClosed(read(answer), "short stream");
        }
        await expectClosed(primary, "short stream");
      }
    },
  );
});

/** Lets the process do everything else between two reads. */
async function readSlowly(stream: Answer): Promise<string> {
  const parts: string[] = [];
  for await (const part of chunksOf(stream)) {
    parts.push(part);
    await turns(5);
  }
  return parts.join("");
}
