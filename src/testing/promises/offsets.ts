// Replay, then live, from any offset: the whole text (G1).

import { equal } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource } from "../manual-source.ts";
import { expectClosed, read, type Reading } from "../reading.ts";
import { section, type Section } from "../section.ts";

const CHUNKS = ["alpha ", "be", "", "ta ", "g", "amma"];
const TEXT = CHUNKS.join("");

export const offsetPromises: Section<Contract> = section("offsets", (promise) => {
  promise("a follower gets the text from every offset on, replayed and live", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    source.push(TEXT);
    await primary.reached(TEXT.length);

    const followers = await Promise.all(
      Array.from(TEXT, async (_, offset) => ({
        offset,
        reading: read(await second.resumeExistingStream(id, offset)),
      })),
    );
    source.push(" and", " more");
    source.end();
    for (const { offset, reading } of followers)
      await expectClosed(reading, `${TEXT} and more`.slice(offset));
  });

  promise(
    "a follower that joins late gets the whole text once, at every chunk boundary and inside a chunk",
    async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      const followers: { offset: number; reading: Reading }[] = [];
      let tail = 0;
      for (const chunk of CHUNKS) {
        source.push(chunk);
        tail += chunk.length;
        await primary.reached(tail);
        for (const offset of [0, Math.max(0, tail - 1), tail]) {
          followers.push({ offset, reading: read(await second.resumeExistingStream(id, offset)) });
        }
      }
      source.end();
      for (const { offset, reading } of followers) await expectClosed(reading, TEXT.slice(offset));
    },
  );

  promise("an offset past the tail waits for the text to come there", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    source.push("0123");
    await primary.reached(4);

    const sameProcess = read(await first.resumeExistingStream(id, 6));
    const otherProcess = read(await second.resumeExistingStream(id, 6));
    source.push("4", "567", "89");
    await sameProcess.reached(4);
    await otherProcess.reached(4);
    source.end();
    await expectClosed(sameProcess, "6789");
    await expectClosed(otherProcess, "6789");
  });

  promise("an offset the stream never comes to ends cleanly with nothing", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    source.push("short");
    await primary.reached(5);
    const follower = read(await second.resumeExistingStream(id, 1_000_000));
    const distant = read(await second.resumeExistingStream(id, Number.MAX_SAFE_INTEGER));
    source.end();
    await expectClosed(follower, "");
    await expectClosed(distant, "");
  });

  promise("resumableStream follows from its offset too", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.resumableStream(id, source.makeStream));
    source.push("0123");
    await primary.reached(4);
    const follower = read(await second.resumableStream(id, source.makeStream, 2));
    source.push("45");
    source.end();
    await expectClosed(follower, "2345");
    equal(source.calls(), 1);
  });

  promise("a reader that drops and resumes where it stopped has read the text once", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    let text = "";
    for (const chunk of ["one ", "two ", "three ", "four "]) {
      const reading = read(await second.resumeExistingStream(id, text.length));
      source.push(chunk);
      await reading.reached(chunk.length);
      await reading.leave();
      text += reading.text();
    }
    source.end();
    await expectClosed(primary, text);
  });
});
