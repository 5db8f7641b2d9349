// Any string, and any id (G10): what goes in comes out, unit for unit.

import { equal, expectSameText } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, sourceOf } from "../manual-source.ts";
import { expectClosed, read, readWhole, until } from "../reading.ts";
import { section, type Section } from "../section.ts";

/** The published library takes this text for the end of the stream. */
const PUBLISHED_END_MARKER = "\n\n\nDONE_SENTINEL_hasdfasudfyge374%$%^$EDSATRTYFtydryrte\n";
const LONE_HIGH = "\ud83d";
const LONE_LOW = "\ude00";

const TEXTS: [string, string[]][] = [
  ["NUL and other control characters", ["a\0b", "\0", "\u0001\u001f\u007f", "\r\n\t\u2028\u2029"]],
  ["lone surrogates", [`high ${LONE_HIGH} `, `low ${LONE_LOW} `, LONE_LOW, " ", LONE_HIGH]],
  ["a surrogate pair split over two chunks", [`smile ${LONE_HIGH}`, `${LONE_LOW} and on`]],
  ["empty chunks", ["", "a", "", "", "b", ""]],
  ["nothing but empty chunks", ["", "", ""]],
  ["characters of one to four bytes", ["aé€😀", "\u{10ffff}", "\ufeff", "\uffff\ufffe", "e\u0301"]],
  [
    "text that looks like our messages",
    ['{"type":"stop"}', '{"epoch":1,"offset":0,"kind":"end"}', "1:0:done", "\0:0:e"],
  ],
  ["the published library's end marker", ["before", PUBLISHED_END_MARKER, "after"]],
  ["words that sentinels hold", ["DONE", "0", "1", "null", "undefined", "OK"]],
  ["quotes and backslashes", ['"', "\\", '\\"', "\\u0000", "'`$"]],
];

/** Ids as users choose them; keys and channels are made of them. */
export const IDS: [string, string][] = [
  ["quotes", `"double" and 'single'`],
  ["colons", "chat:1::live:"],
  ["emoji", "chat-😀"],
  ["newlines", "chat\r\n1\n"],
  ["2000 characters", "x".repeat(2000)],
  ["spaces, braces, stars and brackets", " {chat} [1] * ? \\ "],
  ["names of things every object has", "__proto__"],
];

export const textPromises: Section<Contract> = section("text", (promise) => {
  for (const [what, chunks] of TEXTS) {
    promise(`${what} come out as they went in, replayed and live`, async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = freshId();
      const source = manualSource();
      const text = chunks.join("");
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      source.push(...chunks);
      await primary.reached(text.length);
      const followers = await Promise.all(
        [first, second].map(async (context) => read(await context.resumeExistingStream(id))),
      );
      for (const follower of followers) await follower.reached(text.length);
      // One by one, so that each travels in a frame of its own.
      for (const [index, chunk] of chunks.entries()) {
        source.push(chunk);
        const length = text.length + chunks.slice(0, index + 1).join("").length;
        for (const follower of followers) await follower.reached(length);
      }
      source.end();
      for (const reading of [primary, ...followers]) await expectClosed(reading, text + text);
    });
  }

  promise("a follower that starts inside a surrogate pair gets its second half", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    source.push("😀!");
    await primary.reached(3);
    const follower = read(await second.resumeExistingStream(id, 1));
    source.end();
    await expectClosed(follower, `${LONE_LOW}!`);
  });

  promise("a chunk of 10 MB comes out whole, replayed and live", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const id = freshId();
    const source = manualSource();
    const chunk = `${"0123456789€\0😀".repeat(714_286)}.`;
    const primary = read(await first.createNewResumableStream(id, source.makeStream));
    const attached = read(await second.resumeExistingStream(id));
    source.push(chunk);
    await attached.reached(chunk.length);
    const late = read(await second.resumeExistingStream(id));
    await late.reached(chunk.length);
    source.end();
    for (const reading of [primary, attached, late]) await expectClosed(reading, chunk);
  });
});

export const idPromises: Section<Contract> = section("ids", (promise) => {
  for (const [what, name] of IDS) {
    promise(`an id with ${what} works in every call`, async (contract) => {
      const [first, second] = [await contract.createContext(), await contract.createContext()];
      const id = `${name}${freshId()}`;
      equal(await second.resumeExistingStream(id), undefined);
      const source = manualSource();
      const primary = read(await first.resumableStream(id, source.makeStream));
      equal(source.streamId(), id);
      const follower = read(await second.resumeExistingStream(id));
      source.push("text");
      await follower.reached(4);
      equal(await second.stopStream(id), true);
      await expectClosed(primary, "text");
      await expectClosed(follower, "text");
      await until(async () => equal(await second.hasExistingStream(id), "DONE"));
      expectSameText(await readWhole(second.createNewResumableStream(id, sourceOf(["anew"]))), "anew");
    });
  }

  promise("ids that look like each other are different streams", async (contract) => {
    const [first, second] = [await contract.createContext(), await contract.createContext()];
    const name = freshId();
    const ids = [
      name,
      `${name}:`,
      `${name} `,
      `${name}\n`,
      `:${name}`,
      name.toUpperCase(),
      `${name}:live`,
      `live:${name}`,
    ];
    const streams = await Promise.all(
      ids.map(async (id) => {
        const source = manualSource();
        read(await first.createNewResumableStream(id, source.makeStream));
        return { id, source, follower: read(await second.resumeExistingStream(id)) };
      }),
    );
    for (const { id, source } of streams) {
      source.push(JSON.stringify(id));
      source.end();
    }
    for (const { id, follower } of streams) await expectClosed(follower, JSON.stringify(id));
  });
});
