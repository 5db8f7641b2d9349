import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CheckAnswer,
  encodeChecked,
  encodeEcho,
  encodePages,
  encodeRequest,
  parseFrame,
  parseRequest,
  type Request,
  type StreamMark,
} from "../../../src/transports/relay/protocol.ts";
import type { Slice } from "../../../src/port/transport.ts";

const MAX_BYTES = 262_144;

/** Every message there and back as a server would carry it: as UTF-8. */
function overTheWire(message: string): string {
  return Buffer.from(message, "utf8").toString("utf8");
}

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  // Any code unit, so that surrogates stand alone.
  fc.array(fc.nat(0xffff), { maxLength: 100 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom("", "\0", "\n", "rs1 t 3 5 - 0 3 -\nabc", '{"type":"read"}', "\ud83d", "\ude00", "😀"),
);

describe("a page", () => {
  test("comes out as it went in, unit for unit", () => {
    fc.assert(
      fc.property(anyText, fc.nat(1e9), fc.nat(2 ** 50), fc.boolean(), (text, from, epoch, isReply) => {
        const slice: Slice = { from, text, tail: from + text.length, end: "done" };
        const frames = [...encodePages(slice, epoch, isReply ? { requestId: 7, by: "b-2" } : undefined)];
        expect(frames).toHaveLength(1);
        expect(parseFrame(overTheWire(frames[0] ?? ""))).toEqual({
          type: "page",
          page: { ...slice, epoch },
          requestId: isReply ? 7 : undefined,
          isLast: true,
          by: isReply ? "b-2" : undefined,
        });
      }),
    );
  });

  test.each([
    ["ASCII", "x"],
    ["two-byte characters", "é"],
    ["three-byte characters", "漢"],
    ["pairs", "😀"],
    ["lone surrogates", "\ud83d"],
    ["NUL and lone surrogates", "\0\ude00"],
  ])("of much text in %s goes in frames of at most 256 KiB, the end with the last", (_, unit) => {
    const text = unit.repeat(400_000);
    const slice: Slice = { from: 10, text, tail: 10 + text.length, end: "done" };
    for (const reply of [{ requestId: 7, by: "b".repeat(36) }, undefined]) {
      let next = 10;
      let joined = "";
      for (const frame of encodePages(slice, 5, reply)) {
        expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(MAX_BYTES);
        const parsed = parseFrame(overTheWire(frame));
        if (parsed?.type !== "page") throw new Error("A frame of the page is none.");
        expect(parsed.page.from).toBe(next);
        joined += parsed.page.text;
        next = 10 + joined.length;
        const isLast = next === slice.tail;
        expect(parsed.page.end).toBe(isLast ? "done" : undefined);
        // Who waits for a reply is told when it has all; a live page is complete by itself.
        expect(parsed.isLast).toBe(isLast || reply === undefined);
      }
      expect(joined === text).toBe(true);
    }
  });

  test("is written as JSON only near half a pair: each frame looks at its own piece of the text", () => {
    const text = `${"漢".repeat(600_000)}\ud83d${"漢".repeat(600_000)}`;
    const kinds = [...encodePages({ from: 0, text, tail: text.length }, 5)].map((frame) => frame[4]).join("");
    expect(kinds).toMatch(/^t{4,}j{1,7}t{6,}$/);
  });

  test("tells the end of a stream to whoever waits beyond its tail", () => {
    const [frame] = encodePages({ from: 9, text: "", tail: 3, end: "stopped" }, 5);
    expect(parseFrame(frame ?? "")).toMatchObject({ page: { from: 9, tail: 3, end: "stopped" } });
  });
});

describe("foreign bytes", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.json(),
    fc.string().map((text) => `rs1 t ${text}`),
    fc.string().map((text) => `rs1 c ${text.length} 0 1 1 1 -\n${text}`),
    fc
      .tuple(fc.integer(), fc.integer(), fc.integer(), fc.string())
      .map(([a, b, c, text]) => `rs1 t ${text.length} ${a} - ${b} ${c} -\n${text}`),
  );

  test("are a valid frame or none", () => {
    fc.assert(
      fc.property(hostile, (message) => {
        const frame = parseFrame(message);
        if (frame?.type !== "page") return;
        const { from, text, tail } = frame.page;
        expect(from).toBeGreaterThanOrEqual(0);
        expect(text === "" || from + text.length <= tail).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("are no frame if they were one that was cut, trimmed or added to on its way", () => {
    const changes: ((frame: string) => string)[] = [
      (frame) => frame.slice(0, -1),
      (frame) => frame.trim(),
      (frame) => `${frame}\n\n`,
      (frame) => frame.replaceAll("\n", "\r\n"),
      (frame) => `${frame.split("\n")[0]}\n\n`,
    ];
    const slice: Slice = { from: 0, text: "data: a\n\ndata: b\n\n", tail: 90 };
    const streams: StreamMark[] = [1, 2].map((epoch) => ({ epoch, tail: 5, end: undefined }));
    const answer: CheckAnswer = { requestId: 7, round: 1, isAll: true, total: 2, streams };
    const frames = [...encodePages(slice, 5), ...encodeChecked(answer)];
    expect(frames.map(parseFrame)).not.toContain(undefined);
    const changed = frames.flatMap((frame) => changes.map((change) => change(frame)));
    const others = changed.filter((message) => !frames.includes(message));
    expect(others.map(parseFrame).filter((frame) => frame !== undefined)).toEqual([]);
  });

  test.each([
    "",
    "{}",
    "null",
    "[]",
    '"read"',
    "{",
    '{"type":"read"}',
    '{"type":"read","listenerId":"a","requestId":1,"from":-1,"maxUnits":1,"keepMs":1}',
    '{"type":"read","listenerId":"a b","requestId":1,"from":0,"maxUnits":1,"keepMs":1}',
    '{"type":"read","listenerId":"a","requestId":1,"from":1e400,"maxUnits":1,"keepMs":1}',
    '{"type":"read","listenerId":"a","requestId":1,"from":0,"maxUnits":1,"keepMs":"1"}',
    '{"type":"check","listenerId":"a","requestId":1,"keepMs":500,"since":-1,"count":1,"sum":1}',
    '{"type":"__proto__","listenerId":"a"}',
    '{"type":"fence","epoch":"9"}',
    `{"type":"leave","listenerId":"${"a".repeat(65)}"}`,
    `{"type":"leave","listenerId":"a","padding":"${" ".repeat(3_000)}"}`,
    "[".repeat(1_900),
  ])("%j is no request", (message) => {
    expect(parseRequest(message)).toBeUndefined();
  });

  test("can't make a producer remember a follower for long", () => {
    const request = parseRequest(
      '{"type":"read","listenerId":"a","requestId":1,"from":0,"maxUnits":1,"keepMs":1e300}',
    );
    expect(request).toMatchObject({ listenerId: "a", keepMs: 120_000 });
  });
});

test.each<Request>([
  { type: "read", listenerId: "a-1", requestId: 3, from: 0, maxUnits: 10, epoch: 77, keepMs: 500 },
  { type: "stop", listenerId: "a-1", requestId: 3, reason: "user", epoch: 77, keepMs: 500 },
  { type: "check", listenerId: "a-1", requestId: 3, keepMs: 500, since: 2, count: 4, sum: 5 },
  { type: "leave", listenerId: "a-1" },
  { type: "fence", epoch: 9 },
])("a request to $type comes out as it went in", (request) => {
  expect(parseRequest(encodeRequest(request))).toEqual(request);
});

test("an answer to a check comes out as it went in, in frames of at most 256 KiB", () => {
  const streams = Array.from({ length: 12_000 }, (_, n): StreamMark => ({
    epoch: Number.MAX_SAFE_INTEGER - n,
    tail: Number.MAX_SAFE_INTEGER,
    end: n % 2 === 0 ? "stopped" : undefined,
  }));
  const answer: CheckAnswer = { requestId: 7, round: 3, isAll: true, total: streams.length, streams };
  const frames = [...encodeChecked(answer)];
  for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(MAX_BYTES);
  const parts = frames.map((frame) => parseFrame(overTheWire(frame)));
  expect(parts.flatMap((part) => (part?.type === "checked" ? part.streams : []))).toEqual(streams);
  const { streams: _, ...header } = answer;
  expect(parts[0]).toMatchObject({ ...header, type: "checked" });
  const none = { ...answer, isAll: false, total: 0, streams: [] };
  expect([...encodeChecked(none)].map((frame) => parseFrame(frame))).toEqual([{ type: "checked", ...none }]);
});

test("an echo comes back as one", () => {
  expect(parseFrame(encodeEcho(12))).toEqual({ type: "echo", requestId: 12 });
});
