// onCaughtUp: when a page has shown what there was at its request, and what comes from then on is new.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Received } from "../../src/client/received.ts";
import { EventFraming } from "../../src/http/event-framing.ts";
import { read } from "../../src/testing/reading.ts";
import { saidIn } from "../http/parse-events.ts";
import { until } from "../support/wait.ts";
import { letRetry, readText } from "./reader.ts";
import { type ClientScene, openScene } from "./scene.ts";

/** A reader that notes, in order, what it is given and when it is told. */
interface Noted {
  said: string[];
  onCaughtUp: () => void;
}

const noted = (): Noted => {
  const said: string[] = [];
  return { said, onCaughtUp: () => said.push("caught up") };
};

async function follow(response: Response, said: string[]): Promise<void> {
  const bodies = response.body?.pipeThrough(new TextDecoderStream());
  for await (const piece of bodies ?? []) {
    for (const [, data = ""] of piece.matchAll(/^data: (.*)$/gm)) said.push(data);
  }
}

/** What a server sends that has the whole of this at once. */
function answer(body: string): Response {
  const headers = { "content-type": "text/event-stream", "stream-offset": "0" };
  return new Response(`: resumable-stream offset=0\n\n${body}`, { headers });
}

const CAUGHT_UP = ": resumable-stream caught-up\n\n";
const END = ": resumable-stream end=done\n";

async function opened(body: string): Promise<ClientScene> {
  const scene = await openScene();
  scene.answers.push(() => answer(body));
  return scene;
}

describe("a reader is told that it has caught up", () => {
  test.each([
    {
      name: "between old and new text that come together",
      body: `data: a\nid: 9\n\n${CAUGHT_UP}data: b\nid: 18\n\n${END}`,
      said: ["a", "caught up", "b"],
    },
    {
      name: "after several events",
      body: `data: a\nid: 9\n\ndata: b\nid: 18\n\n${CAUGHT_UP}data: c\nid: 27\n\n${END}`,
      said: ["a", "b", "caught up", "c"],
    },
    {
      name: "at once if there was nothing",
      body: `${CAUGHT_UP}data: a\nid: 9\n\n${END}`,
      said: ["caught up", "a"],
    },
    {
      name: "at the end of a stream that was over",
      body: `data: a\nid: 9\n\n${CAUGHT_UP}${END}`,
      said: ["a", "caught up"],
    },
    {
      name: "before the end, and a half event, of a text that ended early",
      body: `data: a\nid: 9\n\ndata: half\n: resumable-stream caught-up\n${END}`,
      said: ["a", "caught up", "half"],
    },
  ])("$name", async ({ body, said }) => {
    await using scene = await opened(body);
    const notes = noted();
    await follow(await scene.fetch({ onCaughtUp: notes.onCaughtUp }), notes.said);
    expect(notes.said).toEqual(said);
  });

  test("once the reader has taken the old text, and not before, however slow it is", async () => {
    await using scene = await opened(`data: a\nid: 9\n\n${CAUGHT_UP}data: b\nid: 18\n\n${END}`);
    let isCaughtUp = false;
    const response = await scene.fetch({ onCaughtUp: () => (isCaughtUp = true) });
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    await new Promise(setImmediate);
    expect([new TextDecoder().decode(value), isCaughtUp]).toEqual(["data: a\nid: 9\n\n", false]);
    const next = await reader?.read();
    expect([new TextDecoder().decode(next?.value), isCaughtUp]).toEqual(["data: b\nid: 18\n\n", true]);
  });

  test("without live text after it", async () => {
    await using scene = await openScene();
    scene.source.push("data: old\n\n");
    const notes = noted();
    void follow(await scene.fetch({ onCaughtUp: notes.onCaughtUp }), notes.said);
    await until(() => notes.said.length === 2, { what: "the comment" });
    scene.source.push("data: new\n\n");
    scene.source.end();
    await until(() => notes.said.length === 3, { what: "live text" });
    expect(notes.said).toEqual(["old", "caught up", "new"]);
  });

  test("once, whatever connections follow", async () => {
    await using scene = await openScene();
    scene.source.push("data: a\n\n");
    const notes = noted();
    const reading = follow(await scene.fetch({ onCaughtUp: notes.onCaughtUp }), notes.said);
    await until(() => notes.said.length === 2, { what: "the comment" });
    scene.proxy.cut();
    scene.source.push("data: b\n\n");
    await letRetry(scene);
    await until(() => notes.said.length === 3, { what: "the next event" });
    scene.source.end();
    await reading;
    expect(notes.said).toEqual(["a", "caught up", "b"]);
  });

  test("by the next connection if the first was cut before that", async () => {
    await using scene = await openScene();
    scene.source.push("data: a\n\ndata: b\n\n");
    scene.answers.push(() => answer("data: a\nid: 9\n\n"));
    const notes = noted();
    void follow(await scene.fetch({ onCaughtUp: notes.onCaughtUp }), notes.said);
    await letRetry(scene);
    await until(() => notes.said.length === 3, { what: "the comment" });
    expect(notes.said).toEqual(["a", "b", "caught up"]);
  });
});

test("the text is the same with and without it", async () => {
  const body = `data: a\nid: 9\n\n${CAUGHT_UP}data: b\nid: 18\n\n${END}`;
  const texts = [];
  for (const init of [{}, { onCaughtUp: () => undefined }]) {
    await using scene = await opened(body);
    texts.push(await readText(await scene.fetch(init)).ended);
  }
  expect(texts).toEqual(
    [0, 1].map(() => ({ kind: "closed", text: "data: a\nid: 9\n\ndata: b\nid: 18\n\n" })),
  );
});

test("a reader that leaves before it has taken the old text is told nothing", async () => {
  await using scene = await opened(`data: a\nid: 9\n\n${CAUGHT_UP}data: b\nid: 18\n\n`);
  const notes = noted();
  const response = await scene.fetch({ onCaughtUp: notes.onCaughtUp });
  const reader = response.body?.getReader();
  await reader?.read();
  const next = reader?.read();
  await reader?.cancel();
  await next;
  await new Promise(setImmediate);
  expect(notes.said).toEqual([]);
});

test("plain text and events of other servers don't tell it", async () => {
  await using scene = await openScene();
  scene.answers.push(
    () => new Response(`${CAUGHT_UP}data: a\n\n`, { headers: { "content-type": "text/event-stream" } }),
    () => new Response(null, { status: 204 }),
  );
  const notes = noted();
  const { ended } = read(
    (await scene.fetch({ onCaughtUp: notes.onCaughtUp })).body?.pipeThrough(new TextDecoderStream()),
  );
  await letRetry(scene);
  expect(await ended).toMatchObject({ kind: "closed", text: `${CAUGHT_UP}data: a\n\n` });
  expect(notes.said).toEqual([]);
});

test("old is what has ended by the tail, wherever the bytes are cut, and the comment is no text", () => {
  const events = fc.constantFrom(
    "data: a\n\n",
    "data: 🌊\r\n\r\n",
    ": x\n\n",
    ": resumable-stream caught-up\n\n",
  );
  const texts = fc.array(events, { maxLength: 6 }).map((parts) => `data: first\n\n${parts.join("")}`);
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(texts, fc.nat({ max: 90 }), sizes, (text, tail, size) => {
      const framing = new EventFraming({ from: 0, tail });
      const bytes = new TextEncoder().encode(framing.open() + framing.push(text) + framing.close("done"));
      const headers = new Headers({ "content-type": "text/event-stream" });
      const received = new Received({ headers, position: "0", from: "anywhere" });
      let [old, all, times] = ["", "", 0];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const end = at + (size[turn % size.length] ?? 1);
        const taken = received.push(bytes.slice(at, end));
        at = end;
        if (taken.old !== undefined) {
          times += 1;
          old = all + taken.pieces.slice(0, taken.old).join("");
        }
        all += taken.pieces.join("");
      }
      expect(times).toBe(1);
      expect(saidIn(all)).toEqual(saidIn(text));
      expect(all).not.toMatch(/^: resumable-stream/m);
      const idsIn = (part: string): number[] =>
        [...part.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
      expect(idsIn(old)).toEqual(idsIn(all).filter((id) => id <= tail));
      // No blank line of ours either.
      expect(all.replace(/^id: \d+\n/gm, "").replace(/^::/gm, ":")).toBe(text.replace(/\r\n\r\n/g, "\r\n\n"));
    }),
    { numRuns: 2_000 },
  );
});
