// What is handed on of what is received: every character once.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Received } from "../../src/client/received.ts";
import { EventFraming } from "../../src/http/event-framing.ts";
import { saidIn } from "../http/parse-events.ts";

const events = () => new Received({ offset: 0, isEventStream: true });

/** What a server sends from an offset on: the whole of it, as if at once. */
function served(text: string, from: number, end: "done" | "stopped" = "done"): string {
  const framing = new EventFraming({ from });
  return framing.open() + framing.push(text.slice(from)) + framing.heartbeat() + framing.close(end);
}

const blocks = fc.constantFrom(
  "data: a\n\n",
  "data: 🌊 zwölf\r\n\r\n",
  "event: b\rdata: c\r\r",
  "id: 5\ndata: d\n\n",
  "data: d\nid: 99\n\n",
  ": comment\n\n",
  ": resumable-stream\n\n",
  ": resumable-stream end=lost\n\n",
  "\n",
  "data: \u2028id: 3\ndata: e\n\n",
);

test("of events, each is handed on once, whole and in order, over any number of cut connections", () => {
  const texts = fc.array(blocks, { maxLength: 8 }).map((parts) => parts.join(""));
  const cuts = fc.array(fc.tuple(fc.nat({ max: 150 }), fc.nat({ max: 150 })), { maxLength: 8 });
  fc.assert(
    fc.property(texts, cuts, (text, connections) => {
      const received = events();
      let handedOn = "";
      let end: string | undefined;
      // Each connection is cut somewhere, and arrives in two pieces; the last one isn't cut.
      for (const [cut, split] of [...connections, [Infinity, 20] as const]) {
        received.reconnect();
        const sent = served(text, received.offset).slice(0, cut);
        for (const piece of [sent.slice(0, split), sent.slice(split)]) {
          if (end !== undefined) break;
          const taken = received.push(piece);
          handedOn += taken.text;
          end = taken.end;
        }
      }
      expect(end).toBe("done");
      expect(saidIn(handedOn)).toEqual(saidIn(text));
      // The source's text itself, apart from ids, doubled colons, and the line ends of blank lines.
      const alike = (lines: string): string => lines.replace(/\r\n?/g, "\n");
      const bare = alike(handedOn).replace(/^id: \d+\n(?=\n)/gm, "");
      expect(bare.replace(/^::/gm, ":")).toBe(alike(text));
      expect(handedOn).not.toMatch(/^: resumable-stream/m);
    }),
    { numRuns: 2_000 },
  );
});

describe("of our events", () => {
  test("the first may come after a line that is the browser's", () => {
    for (const line of ["retry: 1000", "retry: 1.5", "retry: 1e+21"]) {
      const received = events();
      const opening = `: resumable-stream offset=0\n${line}\n\n`;
      expect(received.push(opening.slice(0, -1)).text).toBe("");
      expect(received.push("\ndata: a\nid: 9\n\n").text).toBe("data: a\nid: 9\n\n");
    }
  });

  test("one that isn't whole is held, and comes again after a cut", () => {
    const received = events();
    expect(received.push(": resumable-stream offset=0\n\ndata: a\nid: 9\n\ndata: unfin")).toEqual({
      text: "data: a\nid: 9\n\n",
    });
    received.reconnect();
    expect(received.offset).toBe(9);
    expect(received.push(": resumable-stream offset=9\n\ndata: unfinished\nid: 27\n\n").text).toBe(
      "data: unfinished\nid: 27\n\n",
    );
  });

  test("one that the source left unfinished is handed on with the end", () => {
    const received = events();
    received.push(": resumable-stream offset=0\n\n");
    expect(received.push("data: unfin\n: resumable-stream end=stopped\n")).toEqual({
      text: "data: unfin\n",
      end: "stopped",
    });
  });

  test("those of another text are told: a new producer began anew", () => {
    const received = events();
    received.push(": resumable-stream offset=0\n\ndata: a\nid: 9\n\n");
    received.reconnect();
    expect(received.push(": resumable-stream offset=0\n\ndata: other\nid: 13\n\n")).toEqual({
      text: "",
      end: "lost",
    });
    received.reconnect();
    expect(received.push("data: of somebody else\n\n").end).toBe("lost");
  });

  test("the first response may start anywhere", () => {
    const received = events();
    received.push(": resumable-stream offset=120\n\ndata: a\nid: 129\n\n");
    expect(received.offset).toBe(129);
  });
});

describe("of other text", () => {
  test("every character is handed on at once, and counted", () => {
    const received = new Received({ offset: 5, isEventStream: false });
    expect(received.push("🌊 ")).toEqual({ text: "🌊 " });
    expect(received.offset).toBe(8);
    expect(received.endsByClosing).toBe(true);
  });

  test("events without our first comment are text like any other", () => {
    for (const chunks of [["data: a\n\n"], [": ", "resum", "ing\n"], [": resumable-streams\n"]]) {
      const received = events();
      const text = chunks.map((chunk) => received.push(chunk).text).join("");
      expect(text).toBe(chunks.join(""));
      expect(received.offset).toBe(text.length);
    }
  });
});
