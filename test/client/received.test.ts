// What is handed on of what is received: every character once.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { offsetOf, type Position } from "../../src/client/answer.ts";
import { Received } from "../../src/client/received.ts";
import { ending, type Verdict } from "../../src/client/reconnect.ts";
import { EventFraming } from "../../src/http/event-framing.ts";
import { saidIn } from "../http/parse-events.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
type From = ConstructorParameters<typeof Received>[0]["from"];

/** A connection that begins at an offset, or at a position. */
const events = (at: number | Position = 0, from: From = "anywhere"): Receiving =>
  receiving({ headers: headersOf("text/event-stream"), position: String(at), from });
const headersOf = (type: string): Headers => new Headers({ "content-type": type });

interface Receiving {
  received: Received;
  push: (text: string | Uint8Array<ArrayBuffer>) => { text: string; verdict?: Verdict | undefined };
  offset: () => number;
}

function receiving(options: ConstructorParameters<typeof Received>[0]): Receiving {
  const received = new Received(options);
  return {
    received,
    push: (text) => {
      const bytes = typeof text === "string" ? encoder.encode(text) : text;
      const { pieces, verdict } = received.push(bytes);
      // Each piece by itself, as the body hands it on: half of a surrogate pair at a piece's end is no character.
      const bytesOf = (piece: string | Uint8Array): Uint8Array =>
        typeof piece === "string" ? encoder.encode(piece) : piece;
      const texts = pieces.map((piece) => decoder.decode(bytesOf(piece)));
      return { text: texts.join(""), ...(verdict && { verdict }) };
    },
    offset: () => offsetOf(received.position),
  };
}

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
      let offset = 0;
      let handedOn = "";
      let end: string | undefined;
      // Each connection is cut somewhere, and arrives in two pieces; the last one isn't cut.
      for (const [cut, split] of [...connections, [Infinity, 20] as const]) {
        const { offset: reached, push } = events(offset, "own");
        const sent = encoder.encode(served(text, offset)).slice(0, cut === Infinity ? undefined : cut);
        for (const piece of [sent.slice(0, split), sent.slice(split)]) {
          if (end !== undefined) break;
          const taken = push(piece);
          handedOn += taken.text;
          end = taken.verdict?.end;
        }
        offset = reached();
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
      const { push } = events();
      const opening = `: resumable-stream offset=0\n${line}\n\n`;
      expect(push(opening.slice(0, -1)).text).toBe("");
      expect(push("\ndata: a\nid: 9\n\n").text).toBe("data: a\nid: 9\n\n");
    }
  });

  test("one that isn't whole is held, and lost with its connection", () => {
    const { push, offset, received } = events();
    expect(push(": resumable-stream offset=0\n\ndata: a\nid: 9\n\ndata: unfin")).toEqual({
      text: "data: a\nid: 9\n\n",
    });
    expect([offset(), received.left.length]).toEqual([9, 11]);
    expect(events(9, "own").push(": resumable-stream offset=9\n\ndata: unfinished\nid: 27\n\n").text).toBe(
      "data: unfinished\nid: 27\n\n",
    );
  });

  test("one that the source left unfinished is handed on with the end", () => {
    const { push } = events();
    push(": resumable-stream offset=0\n\n");
    expect(push("data: unfin\n: resumable-stream end=stopped\n")).toEqual({
      text: "data: unfin\n",
      verdict: ending("stopped"),
    });
  });

  test("those of another generation are told, by the first comment or by an id", () => {
    const mine = "9.k1";
    expect(events(mine, "own").push(": resumable-stream offset=9 generation=k2\n\n")).toEqual({
      text: "",
      verdict: ending("lost"),
    });
    const { push } = events(mine, "own");
    push(": resumable-stream offset=9\n\n");
    expect(push("data: b\nid: 18.k2\n\n")).toEqual({ text: "", verdict: ending("lost") });
  });

  test("the generation is learned from the first comment, or from an id", () => {
    const first = events();
    first.push(": resumable-stream offset=0 generation=k1\n\n");
    expect(first.received.position).toBe("0.k1");
    // The second of a claim that came late.
    for (const second of [events(), events("0.0k1", "own")]) {
      second.push(": resumable-stream offset=0\n\ndata: a\nid: 9.k2\n\n");
      expect(second.received.position).toBe("9.k2");
    }
  });

  test("nothing is taken of what begins elsewhere, or doesn't say where", () => {
    const notResumed = { text: "", verdict: { code: "NOT_RESUMED" } };
    const elsewhere = ": resumable-stream offset=0\n\ndata: other\nid: 13\n\n";
    expect(events(9, "own").push(elsewhere)).toEqual(notResumed);
    expect(events(9, "here").push(elsewhere)).toEqual(notResumed);
    expect(events(9, "own").push("data: of somebody else\n\n")).toEqual(notResumed);
  });

  test("the first response may start anywhere", () => {
    const { push, offset } = events();
    push(": resumable-stream offset=120\n\ndata: a\nid: 129\n\n");
    expect(offset()).toBe(129);
  });

  test("one of any size passes, however it is cut to pieces", () => {
    for (const size of [1, 7, 255, 256, 257, 5_000]) {
      const { push, offset } = events();
      const text = `data: ${"🌊x".repeat(3_000)}\n: resumable-stream\nid: 9015\n\n`;
      let handedOn = "";
      const bytes = encoder.encode(`: resumable-stream offset=0\n\n${text}`);
      for (let at = 0; at < bytes.length; at += size) handedOn += push(bytes.slice(at, at + size)).text;
      expect([handedOn, offset()]).toEqual([text.replace(": resumable-stream\n", ""), 9015]);
    }
  });
});

describe("of another server's events", () => {
  /** Over connections that are cut after so many bytes, each piece of so many. */
  function receive(text: string, cuts: readonly number[], size: number): string {
    let offset = 0;
    let handedOn = "";
    for (const cut of [...cuts, Infinity]) {
      const { received } = events(offset);
      const bytes = new TextEncoder().encode(text.slice(offset)).slice(0, cut === Infinity ? undefined : cut);
      for (let at = 0; at < bytes.length; at += size) {
        handedOn += received.push(bytes.slice(at, at + size)).pieces.join("");
      }
      offset = offsetOf(received.position);
      if (cut === Infinity) handedOn += received.left;
    }
    return handedOn;
  }

  test("every unit comes once, wherever connections and pieces are cut", () => {
    const lines = fc.array(
      fc.constantFrom(
        "data: 🌊 zwölf\n\n",
        "data: a\r\n\r\n",
        "data: b\r\r",
        ": resumable-stream",
        "\n",
        "\r",
        "ü",
      ),
      { maxLength: 12 },
    );
    const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 6 });
    fc.assert(
      fc.property(lines, cuts, fc.integer({ min: 1, max: 40 }), (parts, at, size) => {
        const text = `data: first\n\n${parts.join("")}`;
        expect(receive(text, at, size)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  test("ours go on where they stopped, and the ids that ours add are no text", () => {
    const text = Array.from({ length: 20 }, (_, index) => `data: ${index} 🌊\r\n\r\n`).join("");
    for (let cut = 0; cut < 200; cut++) {
      const first = events();
      let handedOn = first.push(text.slice(0, cut)).text;
      const second = events(first.offset(), "here");
      handedOn += second.push(served(text, first.offset()).slice(0, 60)).text;
      const third = events(second.offset(), "own");
      handedOn += third.push(served(text, second.offset())).text;
      expect(saidIn(handedOn)).toEqual(saidIn(text));
    }
  });

  test("events without our first comment are text, handed on whole", () => {
    for (const chunks of [
      ["data: a\n\n"],
      ["data: a\r\n", "\r\n"],
      [": ", "resum", "ing\n\n"],
      [": resumable-streams\n\n"],
    ]) {
      const { push, offset } = events();
      const text = chunks.map((chunk) => push(chunk).text).join("");
      expect(text).toBe(chunks.join(""));
      expect(offset()).toBe(text.length);
    }
  });
});

test("that the stream goes on elsewhere is no event, wherever the comment is cut", () => {
  const body = ": resumable-stream offset=0\n\ndata: a\nid: 9\n\n: resumable-stream moved\n";
  for (let cut = 0; cut <= body.length; cut++) {
    const { push, received, offset } = events();
    expect(push(body.slice(0, cut)).text + push(body.slice(cut)).text).toBe("data: a\nid: 9\n\n");
    expect([received.isMoved, received.left, offset()]).toEqual([true, "", 9]);
  }
  const theirs = events();
  theirs.push("data: a\n\n: resumable-stream moved\n");
  expect(theirs.received.isMoved).toBe(false);
});

test("of text that isn't events every character is handed on at once, and counted; half a one is neither", () => {
  const { received } = receiving({ headers: headersOf("text/plain"), position: "5", from: "anywhere" });
  const [first, second] = [
    new TextEncoder().encode("a🌊").slice(0, 3),
    new TextEncoder().encode("🌊 ").slice(2),
  ];
  const texts = [first, second].map((bytes) => received.push(bytes).pieces);
  expect([texts, received.position]).toEqual([[["a"], ["🌊 "]], "9"]);
});

test("plain text is handed on as the bytes that came, unless a cut divides a character: that comes once, and whole", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "zw\u00f6lf", "\u{1F30A}", "\uFEFF", "\n")),
      fc.array(fc.nat({ max: 40 })),
      (parts, at) => {
        const bytes = encoder.encode(parts.join(""));
        const bounds = [
          0,
          ...at.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
          bytes.length,
        ];
        const text = receiving({ headers: headersOf("text/plain"), position: "0", from: "anywhere" });
        let came = "";
        for (const [index, end] of bounds.slice(1).entries()) {
          came += text.push(bytes.slice(bounds[index], end)).text;
          expect(text.offset()).toBe(came.length);
        }
        expect(came).toBe(parts.join(""));
      },
    ),
  );
  const whole = encoder.encode("some text");
  const received = new Received({ headers: headersOf("text/plain"), position: "0", from: "anywhere" });
  expect(received.push(whole).pieces[0]).toBe(whole);
});

describe.each(["another server's", "our own"])("a long event of %s", (whose) => {
  // So that once with either parity what is looked at again begins within a pair.
  test.each(["", "z"])("keeps its surrogate pairs where it is looked at again (before %j)", (last) => {
    const pairs = "\u{1F600}".repeat(300);
    const event = `data: ${pairs}${last}`;
    const [opening, id] =
      whose === "our own" ? [": resumable-stream offset=0\n\n", `id: ${event.length + 2}\n`] : ["", ""];
    const { push } = events();
    const first = push(`${opening}${event}`).text;
    expect(first + push(`\n${id}\n`).text).toBe(`${event}\n${id}\n`);
  });
});
