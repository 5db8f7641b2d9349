// Streams that ended well, over a log that replays them: a page gets the text again, and its end, and stops asking then.

import { PGlite } from "@electric-sql/pglite";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { resumableFetch } from "../../src/client.ts";
import { createResumeHandlers, generationOf, type ResumeHandlers, toNodeHandler } from "../../src/http.ts";
import { createPgliteResumableStreamContext } from "../../src/pglite.ts";
import {
  createPostgresResumableStreamContext,
  type DurableStreamContext,
  endOf,
} from "../../src/postgres.ts";
import { expectRejection, expectSameText } from "../../src/testing/assert.ts";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource, mustNotProduce } from "../../src/testing/manual-source.ts";
import { read, readWhole, until } from "../../src/testing/reading.ts";
import { readBody } from "./bytes.ts";
import { listen } from "./listen.ts";

let pglite: PGlite;
let pool: Pool;

beforeAll(async () => {
  pglite = await PGlite.create();
  pool = new Pool({ connectionString: inject("postgresUrl") });
});

afterAll(async () => {
  await pglite.close();
  await pool.end();
});

const options = { waitUntil: null, onError: () => undefined };
const ways = [
  {
    kind: "Postgres",
    open: (replay: boolean) => createPostgresResumableStreamContext({ ...options, pool, replay }),
  },
  {
    kind: "PGlite",
    open: (replay: boolean) => createPgliteResumableStreamContext({ ...options, pglite, replay }),
  },
];

interface Ended {
  id: string;
  mark: string;
}

/** A stream of this text, once every process finds its end. */
async function ended(
  context: DurableStreamContext,
  { text, end = "done" }: { text: string[]; end?: "done" | "stopped" },
): Promise<Ended> {
  const id = freshId();
  const source = manualSource();
  const stream = await context.createNewResumableStream(id, source.makeStream);
  if (!stream) throw new Error("No stream");
  const mark = String(generationOf(stream));
  const reading = read(stream);
  source.push(...text);
  await reading.reached(text.join("").length);
  if (end === "stopped") await context.stopStream(id);
  else source.end();
  await reading.ended;
  await until(async () => expect(await context.hasExistingStream(id)).toBe("DONE"));
  return { id, mark };
}

const events = ["data: a\n\n", "data: b\n\n"];

describe.each(ways)("over $kind", ({ open }) => {
  test.each(["done", "stopped"] as const)("a stream that is %s gives its text, then its end", async (end) => {
    await using writing = open(false);
    await using context = open(true);
    const { id, mark } = await ended(writing, { text: ["the whole ", "text"], end });
    for (const [from, text] of [
      [undefined, "the whole text"],
      [0, "the whole text"],
      [4, "whole text"],
      [`4.${mark}`, "whole text"],
      [14, ""],
      [`14.${mark}`, ""],
      [99, ""],
    ] as const) {
      const stream = await context.resumeExistingStream(id, from);
      expectSameText(await readWhole(stream), text);
      expect(stream && (await endOf(stream))).toBe(end);
    }
    expect(await context.hasExistingStream(id)).toBe("DONE");
    expect(await context.resumableStream(id, mustNotProduce)).toBeNull();
    expect(await context.resumableStream(id, mustNotProduce, 4)).toBeNull();
    expect(await context.resumableStream(id, mustNotProduce, `4.${mark}`)).toBeNull();
    // Without the option.
    expect(await writing.resumeExistingStream(id)).toBeNull();
    expect(await writing.resumeExistingStream(id, `4.${mark}`)).toBeNull();
  });

  test("a position of another generation gets nothing of it", async () => {
    await using context = open(true);
    const { id, mark } = await ended(context, { text: ["older"] });
    const source = manualSource();
    const newer = read(await context.createNewResumableStream(id, source.makeStream));
    source.push("newer text");
    source.end();
    await newer.ended;
    await until(async () => expect(await context.hasExistingStream(id)).toBe("DONE"));
    expect(await context.resumeExistingStream(id, `5.${mark}`)).toBeUndefined();
    await expectRejection(context.resumableStream(id, mustNotProduce, `5.${mark}`), "PRODUCER_LOST");
    expectSameText(await readWhole(context.resumeExistingStream(id, 5)), " text");
  });

  test("a text of many pages is replayed whole, and its end isn't told before", async () => {
    await using context = open(true);
    const piece = "0123456789abcdef".repeat(1_024);
    const { id } = await ended(context, { text: Array.from({ length: 40 }, () => piece) });
    expectSameText(await readWhole(context.resumeExistingStream(id, 7)), piece.repeat(40).slice(7));
  });

  test("one that runs is followed as ever, and one that failed gives what is left", async () => {
    await using context = open(true);
    await using other = open(true);
    const id = freshId();
    const source = manualSource();
    const primary = read(await context.createNewResumableStream(id, source.makeStream));
    source.push("so far");
    const follower = read(await other.resumeExistingStream(id));
    await follower.reached(6);
    source.push(", and on");
    source.fail(new Error("model overloaded"));
    expect(await follower.ended).toMatchObject({ kind: "errored", text: "so far, and on" });
    await primary.ended;
    await until(async () => expect(await other.hasExistingStream(id)).toBe("failed"));
    expectSameText(await readWhole(other.resumeExistingStream(id, 6)), ", and on");
  });
});

describe("over HTTP", () => {
  const handlersOf = (context: DurableStreamContext, id: string, more: object = {}): ResumeHandlers =>
    createResumeHandlers(context, { streamId: () => id, authorize: () => true, ...more });

  const told = ({ status, headers }: Response): unknown[] => [status, headers.get("stream-status")];

  const at = (search = "", headers: HeadersInit = {}): Request =>
    new Request(`http://localhost/${search}`, { headers });

  test.each(["done", "stopped"] as const)(
    "a stream that is %s is a 200 that says so, and a 204 for a reader that has all",
    async (end) => {
      await using context = createPgliteResumableStreamContext({ ...options, pglite, replay: true });
      const { id, mark } = await ended(context, { text: events, end });
      const { GET } = handlersOf(context, id);
      const whole = await GET(at());
      expect(told(whole)).toEqual([200, end]);
      expect(whole.headers.get("stream-generation")).toBe(mark);
      expect(await readBody(whole).rest()).toEqual({
        text: `: resumable-stream offset=0 generation=${mark}\n\ndata: a\nid: 9.${mark}\n\ndata: b\nid: 18.${mark}\n\n: resumable-stream caught-up\n\n: resumable-stream end=${end}\n`,
        end: "closed",
      });
      const rest = await GET(at(`?resumeAt=9.${mark}`));
      expect(told(rest)).toEqual([200, end]);
      expect((await readBody(rest).rest()).text).toContain(`data: b\nid: 18.${mark}\n\n`);
      for (const request of [
        at(`?resumeAt=18.${mark}`),
        at("?resumeAt=18"),
        at("", { "last-event-id": `18.${mark}` }),
      ]) {
        const nothing = await GET(request);
        expect(told(nothing)).toEqual([204, end]);
        expect(nothing.headers.get("stream-offset")).toBe("18");
      }
      expect(told(await GET(at("?resumeAt=18.k3f9x2")))).toEqual([410, "superseded"]);
      const head = await GET(new Request("http://localhost/", { method: "HEAD" }));
      expect([...told(head), head.body]).toEqual([200, end, null]);
    },
  );

  test.each(["events", "text"] as const)(
    "resumableFetch gets %s whole, from the start and from a position",
    async (format) => {
      await using context = createPgliteResumableStreamContext({ ...options, pglite, replay: true });
      const { id, mark } = await ended(context, { text: events });
      const requests: string[] = [];
      const { GET } = handlersOf(context, id, { format });
      const url = await listen(
        toNodeHandler((request) => {
          requests.push(new URL(request.url).search);
          return GET(request);
        }),
      );
      const response = await resumableFetch(url);
      expectSameText(withoutOurs(await response.text()), events.join(""));
      const count = requests.length;
      expect(count).toBeLessThanOrEqual(2);
      const rest = await resumableFetch(`${url}/?resumeAt=9.${mark}`);
      expectSameText(withoutOurs(await rest.text()), "data: b\n\n");
      expect(requests.length - count).toBeLessThanOrEqual(2);
    },
  );

  test.each([
    ["whole events", events],
    ["a last event that the source never ended", [...events, "data: c"]],
    ["one of more than a page", [...events, `data: ${"x".repeat(150_000)}`]],
    ["blank lines at its end", [...events, "\n\r\n"]],
    ["no text", []],
    ["a comment alone", [": thinking\n\n"]],
    ["text without a blank line", ["data: a"]],
  ])("an EventSource stops asking, of %s", async (_what, text) => {
    await using context = createPgliteResumableStreamContext({ ...options, pglite, replay: true });
    const { id } = await ended(context, { text: [...text] });
    const { GET } = handlersOf(context, id);
    const answers: unknown[] = [];
    let lastEventId = "";
    for (let connections = 0; connections < 4; connections += 1) {
      const response = await GET(
        at("", { accept: "text/event-stream", ...(lastEventId !== "" && { "last-event-id": lastEventId }) }),
      );
      answers.push(told(response)[0]);
      if (response.status !== 200) break;
      const { text: body } = await readBody(response).rest();
      // An id counts once its event's blank line has come.
      const whole = body.slice(0, body.lastIndexOf("\n\n") + 2);
      lastEventId = [...whole.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? lastEventId;
    }
    expect(answers.at(-1)).toBe(204);
  });
});

/** Without what framing adds. */
function withoutOurs(body: string): string {
  return body.replaceAll(/^id: .*\n|^: resumable-stream.*\n\n?/gm, "");
}
