// The comment that says where the text of the moment of the request ends.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StreamResponseOptions, streamResponse } from "../../src/http.ts";
import { EventFraming } from "../../src/http/event-framing.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { readBody } from "./bytes.ts";
import { saidIn } from "./parse-events.ts";

const CAUGHT_UP = ": resumable-stream caught-up\n";
const MAX_HELD_UNITS = 65_536;

interface Framed {
  from?: number;
  tail?: number;
}

function framed(pieces: readonly string[], { from = 0, tail }: Framed): string {
  const framing = new EventFraming({ from, tail });
  return framing.open() + pieces.map((piece) => framing.push(piece)).join("") + framing.close("done");
}

describe("the comment comes once", () => {
  test("at once if there is nothing to catch up with", () => {
    for (const tail of [undefined, 0, 120]) {
      expect(new EventFraming({ from: 120, tail }).open()).toBe(
        `: resumable-stream offset=120\n\n${CAUGHT_UP}\n`,
      );
    }
  });

  test("after the event that ends at the tail, without waiting for text after it", () => {
    const framing = new EventFraming({ from: 0, tail: 18 });
    expect(framing.open()).toBe(": resumable-stream offset=0\n\n");
    expect(framing.push("data: a\n\n")).toBe("data: a\nid: 9\n\n");
    expect(framing.push("data: b\n\n")).toBe(`data: b\nid: 18\n\n${CAUGHT_UP}\n`);
    expect(framing.push("data: c\n\n")).toBe("data: c\nid: 27\n\n");
    expect(framing.close("done")).toBe(": resumable-stream end=done\n");
  });

  test("between two events that come together", () => {
    expect(framed(["data: a\n\ndata: b\n\n"], { tail: 9 })).toContain(
      `data: a\nid: 9\n\n${CAUGHT_UP}\ndata: b\nid: 18\n\n`,
    );
  });

  test("before an event that the tail is inside of: it could not be shown at that moment", () => {
    const framing = new EventFraming({ from: 0, tail: 14 });
    expect(framing.open() + framing.push("data: a\n\ndata:")).toContain(`id: 9\n\n${CAUGHT_UP}\n`);
    expect(framing.push(" b\n\n")).toBe("data: b\nid: 18\n\n");
    expect(framed(["data: a\n\ndata: b\n\n"], { tail: 14 })).toContain(
      `id: 9\n\n${CAUGHT_UP}\ndata: b\nid: 18\n\n`,
    );
  });

  test("after an event that the tail is inside of if a part of it is out", () => {
    const framing = new EventFraming({ from: 0, tail: 7 + MAX_HELD_UNITS });
    framing.open();
    expect(framing.push(`data: ${"x".repeat(MAX_HELD_UNITS)}`)).not.toContain("caught-up");
    expect(framing.push("x".repeat(10))).not.toContain("caught-up");
    expect(framing.push("\n\ndata: b\n\n")).toMatch(
      /^x{10}\nid: \d+\n\n: resumable-stream caught-up\n\ndata: b\nid: \d+\n\n$/,
    );
  });

  test("before the end if the text ends earlier than the tail, and never as the end of a half event", () => {
    expect(framed(["data: a\n\n"], { tail: 100 })).toMatch(
      /id: 9\n\n: resumable-stream caught-up\n: resumable-stream end=done\n$/,
    );
    const half = framed([`data: ${"x".repeat(MAX_HELD_UNITS)}`], { tail: 100_000 });
    expect(half).toMatch(/x\n: resumable-stream caught-up\n: resumable-stream end=done\n$/);
    expect(saidIn(half)).toEqual([]);
  });

  test("of a source it is no comment of ours", () => {
    const text = framed([`${CAUGHT_UP}data: a\n\n`], { tail: 40 });
    expect(text.match(/^: resumable-stream caught-up$/gm)).toHaveLength(1);
    expect(text).toContain(`:${CAUGHT_UP}`);
  });
});

test("wherever the tail is and the text is cut, it comes once, says nothing, and has all old events before it", () => {
  const events = fc.constantFrom(
    "data: a\n\n",
    "data: 🌊\r\n\r\n",
    "event: b\rdata: c\r\r",
    ": x\n\n",
    "\n",
    "id: 5\ndata: d\n\n",
  );
  const texts = fc
    .array(events, { minLength: 1, maxLength: 8 })
    .map((parts) => `data: first\n\n${parts.join("")}data: cut off`);
  const cuts = fc.array(fc.nat({ max: 80 }), { maxLength: 5 });
  fc.assert(
    fc.property(texts, cuts, fc.nat({ max: 100 }), (text, at, tail) => {
      const bounds = [0, ...at.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      const pieces = bounds.slice(1).map((end, index) => text.slice(bounds[index], end));
      const [before = "", after = "", ...more] = framed(pieces, { tail }).split(
        /: resumable-stream caught-up\n\n?/,
      );
      expect(more).toEqual([]);
      expect(saidIn(before + after)).toEqual(saidIn(text));
      const ids = (part: string): number[] =>
        [...part.matchAll(/^id: (\d+)\n\n/gm)].map(([, id]) => Number(id));
      expect(ids(before).every((id) => id <= tail)).toBe(true);
      expect(ids(after).every((id) => id > tail)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

describe("the tail of the moment of the request", () => {
  let context: ResumableStreamContext;
  let other: ResumableStreamContext;
  let ids = 0;

  beforeEach(() => {
    const options = { waitUntil: null, onError: () => undefined };
    [context, other] = [createResumableStreamContext(options), createResumableStreamContext(options)];
  });
  afterEach(() => Promise.all([context.close(), other.close()]));

  /** What a reader gets that comes when "data: a" is there, and "data: b" isn't. */
  async function joined(reader: ResumableStreamContext, options?: StreamResponseOptions): Promise<string> {
    const id = `caught-up-${++ids}`;
    const source = manualSource();
    const reading = read(await context.createNewResumableStream(id, source.makeStream));
    source.push("data: a\n\n");
    await reading.reached(9);
    const body = readBody(streamResponse(await reader.resumeExistingStream(id), options));
    let text = "";
    while (!text.includes("id: 9")) text += await body.next();
    source.push("data: b\n\n");
    source.end();
    return (text + (await body.rest()).text).replace(/(generation=|\.)\w+/g, "");
  }

  const whole = `: resumable-stream offset=0 \n\ndata: a\nid: 9\n\n${CAUGHT_UP}\ndata: b\nid: 18\n\n: resumable-stream end=done\n`;

  test("is known of a reader in the producer's process", async () => {
    expect(await joined(context)).toBe(whole);
  });

  test("is known of a reader elsewhere", async () => {
    expect(await joined(other)).toBe(whole);
  });

  test("is that of the call that gave the stream, whenever the response is made", async () => {
    for (const reader of [context, other]) {
      const id = `caught-up-${++ids}`;
      const source = manualSource();
      const reading = read(await context.createNewResumableStream(id, source.makeStream));
      const stream = await reader.resumeExistingStream(id);
      source.push("data: a\n\n");
      await reading.reached(9);
      const begun = await readBody(streamResponse(stream)).next();
      expect(begun).toContain(CAUGHT_UP);
    }
  });

  test("is the start of a stream that its own reader has, and of one that no context gave", async () => {
    const source = manualSource();
    const stream = await context.createNewResumableStream(`caught-up-${++ids}`, source.makeStream);
    source.push("data: a\n\n");
    const begun = await readBody(streamResponse(stream)).next();
    expect(begun).toMatch(/^: resumable-stream offset=0 .*\n\n: resumable-stream caught-up\n\n$/);
    const piped = await readBody(streamResponse(new ReadableStream(), { offset: 7 })).next();
    expect(piped).toBe(`: resumable-stream offset=7\n\n${CAUGHT_UP}\n`);
  });

  test("isn't told in plain text", async () => {
    const source = manualSource();
    const stream = await context.createNewResumableStream(`caught-up-${++ids}`, source.makeStream);
    source.push("text");
    source.end();
    expect(await readBody(streamResponse(stream, { format: "text" })).rest()).toMatchObject({ text: "text" });
  });
});
