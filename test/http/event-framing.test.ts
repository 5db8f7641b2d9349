// Server-sent events that resume: what EventSource makes of the framed text is what it makes of the source's.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventFraming } from "../../src/http/event-framing.ts";
import { parseEvents, saidIn } from "./parse-events.ts";

function frame(chunks: readonly string[], from = 0): string {
  const framing = new EventFraming({ from });
  return framing.open() + chunks.map((chunk) => framing.push(chunk)).join("") + framing.close("done");
}

const idsIn = (framed: string): number[] => [...framed.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

const lines = fc.constantFrom(
  "data: one",
  "data: zwölf 🌊 \uD83C",
  "data",
  "data:",
  "event: step",
  "id: 7",
  "id",
  "retry: 5",
  ": a comment",
  ": resumable-stream end=lost",
  "",
  "\uFEFFdata: marked",
  "half",
);
const lineEnds = fc.constantFrom("\n", "\r\n", "\r");
const texts = fc
  .array(fc.tuple(lines, lineEnds, fc.boolean()), { maxLength: 12 })
  .chain((parts) => fc.tuple(fc.constant(parts), fc.constantFrom("", "data: unfinished")))
  .map(([parts, rest]) => parts.map(([line, end, twice]) => line + end + (twice ? end : "")).join("") + rest)
  // What begins otherwise is refused: response.test.ts.
  .filter((text) => /^\uFEFF?[\r\n]*(?:data|event|id|retry|:|$)/.test(text));
const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 6 });

function cutUp(text: string, at: readonly number[]): string[] {
  const bounds = [0, ...at.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
  return bounds.slice(1).map((end, index) => text.slice(bounds[index], end));
}

test("events say what the source said, wherever its text was cut into chunks", () => {
  fc.assert(
    fc.property(texts, cuts, (text, at) => {
      expect(saidIn(frame(cutUp(text, at)))).toEqual(saidIn(text));
    }),
    { numRuns: 2_000 },
  );
});

test("text without CR, which is taken an event at a time, is framed as it is line by line", () => {
  const plain = texts.map((text) => text.replaceAll(/\r\n?/g, "\n"));
  fc.assert(
    fc.property(plain, cuts, (text, at) => {
      // One CR in what is pushed, and all of that is taken line by line.
      expect(frame([...cutUp(text, at), "\r"])).toBe(frame([`${text}\r`]));
    }),
    { numRuns: 2_000 },
  );
});

test("every event has an id, and resuming from it gives the events after it", () => {
  fc.assert(
    fc.property(texts, cuts, cuts, (text, at, laterAt) => {
      const events = parseEvents(frame(cutUp(text, at)));
      for (const [index, { lastEventId }] of events.entries()) {
        expect(lastEventId).toMatch(/^\d+$/);
        const offset = Number(lastEventId);
        const resumed = frame(cutUp(text.slice(offset), laterAt), offset);
        // With the same ids: a second drop resumes as well as the first.
        const rest = events.slice(index + 1);
        expect(saidIn(resumed)).toEqual(rest.map(({ event, data }) => ({ event, data })));
        expect(parseEvents(resumed).every((event) => Number(event.lastEventId) > offset)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("what is said doesn't change where heartbeats come between any two chunks", () => {
  fc.assert(
    fc.property(texts, cuts, (text, at) => {
      const framing = new EventFraming({ from: 0 });
      const beats = cutUp(text, at).map((chunk) => framing.heartbeat() + framing.push(chunk));
      const framed = framing.open() + beats.join("") + framing.heartbeat() + framing.close("stopped");
      expect(saidIn(framed)).toEqual(saidIn(text));
    }),
    { numRuns: 1_000 },
  );
});

describe("an id", () => {
  test("is the event's end offset in UTF-16 code units, and the last of its lines", () => {
    expect(frame(["data: 🌊\n\n", "data: b\ndata: c\n\n"])).toBe(
      ": resumable-stream offset=0\n\n: resumable-stream caught-up\n\n" +
        "data: 🌊\nid: 10\n\ndata: b\ndata: c\nid: 27\n\n: resumable-stream end=done\n",
    );
  });

  test("counts from where the stream starts", () => {
    expect(idsIn(frame(["data: a\n\n"], 120))).toEqual([129]);
  });

  test("of the source gives way to ours, which comes later", () => {
    const [event] = parseEvents(frame(["id: abc\ndata: a\n\n"]));
    expect(event).toEqual({ event: "", data: "a", lastEventId: "17" });
  });

  test("is given to every block, whatever its lines end with", () => {
    expect(idsIn(frame(["data: a\r\n\r\n: comment\r\rretry: 5\n\n"]))).toEqual([11, 22, 32]);
  });

  test("comes with the event, without waiting for a chunk after it", () => {
    for (const end of ["\n\n", "\r\r", "\r\n\r\n"]) {
      const framing = new EventFraming({ from: 0 });
      expect(framing.push(`data: a${end}`)).toContain("id: ");
    }
  });

  test("isn't given to blank lines or heartbeats", () => {
    const framing = new EventFraming({ from: 0 });
    expect(framing.push("\n\n\n") + framing.heartbeat()).not.toContain("id");
  });
});

describe("an event", () => {
  test("is held until it is whole", () => {
    const framing = new EventFraming({ from: 0 });
    expect(framing.push("data: a")).toBe("");
    expect(framing.push("bc\n")).toBe("");
    expect(framing.push("\n")).toBe("data: abc\nid: 11\n\n");
  });

  test("of more than 64 Ki units is passed on in parts, without heartbeats inside a line", () => {
    const framing = new EventFraming({ from: 0 });
    const head = `data: ${"x".repeat(70_000)}`;
    expect(framing.push(head)).toBe(head);
    expect(framing.heartbeat() + framing.moved()).toBe("");
    expect(framing.push("y\n")).toBe("");
    // A comment alone: a blank line would end the event.
    expect(framing.heartbeat()).toBe(": resumable-stream\n");
    expect(framing.push("\n")).toBe(`y\nid: ${head.length + 3}\n\n`);
  });

  test("that the source left unfinished is passed on, and taken for whole by nobody", () => {
    const framing = new EventFraming({ from: 0, endEvent: "end" });
    const framed = framing.push("data: a\n\ndata: unfin") + framing.close("failed");
    expect(framed).toContain("data: unfin\n");
    expect(parseEvents(framed)).toEqual([
      { event: "", data: "a", lastEventId: "9" },
      { event: "end", data: "failed", lastEventId: "9" },
    ]);
  });

  test("resumed in its middle passes from there, unit for unit", () => {
    expect(frame(["lo\n\ndata: next\n\n"], 9)).toBe(
      ": resumable-stream offset=9\n\n: resumable-stream caught-up\n\n" +
        "lo\nid: 13\n\ndata: next\nid: 25\n\n: resumable-stream end=done\n",
    );
  });
});

test("a comment of the source that looks like ours can't be mistaken for it", () => {
  const text = ": resumable-stream end=done\n\ndata: a\n\n";
  for (const chunks of [[text], text.split("")]) {
    const framed = frame(chunks).split("\n");
    expect(framed.filter((line) => line.startsWith(": resumable-stream end="))).toHaveLength(1);
    expect(framed.at(-2)).toBe(": resumable-stream end=done");
  }
});

test("retryMs is told before the first event", () => {
  expect(new EventFraming({ from: 0, retryMs: 50 }).open()).toBe(
    ": resumable-stream offset=0\nretry: 50\n\n: resumable-stream caught-up\n\n",
  );
});
