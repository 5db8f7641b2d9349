// Events of the replay as fewer: which are merged, what is sent for them, and what a wrong compactor comes to.

import { expect, test } from "vitest";
import { type Compactor, createResumeHandlers } from "../../src/http.ts";
import { EventFraming } from "../../src/http/event-framing.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { readBody } from "./bytes.ts";
import { saidIn } from "./parse-events.ts";

/** All of the text is replay. */
const framing = (compact: Compactor): EventFraming => new EventFraming({ from: 0, tail: 1_000_000, compact });
const joinAll: Compactor = (run) => [{ data: run.join(""), count: run.length }];

test("events that have nothing but data become one, and none over another one", () => {
  const text =
    "data: a\n\ndata:b\r\n\r\nevent: x\ndata: c\n\ndata: d\n\n: comment\n\ndata: e\n\nid: 5\ndata: f\n\ndata: g\ndata: h\n\ndata\n\n";
  expect(saidIn(framing(joinAll).push(text)).map(({ event, data }) => event + data)).toEqual([
    "ab",
    "xc",
    "d",
    "e",
    "f",
    "g\nh",
  ]);
});

test("an event has the id of the last that it stands for", () => {
  expect(framing(joinAll).push("data: a\n\ndata: b\n\n")).toBe("data: ab\nid: 18\n\n");
});

test("events that stay single are the same byte for byte", () => {
  const text = "data:a\r\n\r\ndata: b\n\ndata:c\n\n";
  const single = (run: readonly string[]) => run.map((data) => ({ data, count: 1 }));
  expect(framing(single).push(text)).toBe(new EventFraming({ from: 0, tail: 1_000_000 }).push(text));
});

test("nothing is merged with the rest of an event that is out in part", () => {
  const open = framing(joinAll);
  open.push(`data: ${"x".repeat(70_000)}\n`);
  expect(open.push("data: y\n\ndata: z\n\n")).toBe("data: y\nid: 70016\n\ndata: z\nid: 70025\n\n");
});

test("data of several lines is written as such, and a line separator is no end of a line", () => {
  const framed = framing(() => [{ data: "a\u2028b\nc", count: 2 }]).push("data: 1\n\ndata: 2\n\n");
  expect(framed).toBe("data: a\u2028b\ndata: c\nid: 18\n\n");
});

test("nothing is held from one read to the next, and at most 64 Ki units within one", () => {
  const open = framing(joinAll);
  expect(open.push("data: a\n\ndata: b\n\ndata: c")).toBe("data: ab\nid: 18\n\n");
  const runs: number[] = [];
  const noting = framing((run) => {
    runs.push(run.join("").length);
    return joinAll(run);
  });
  noting.push(`data: ${"x".repeat(1_000)}\n\n`.repeat(500));
  expect(Math.max(...runs)).toBeLessThanOrEqual(66_600);
  expect(runs.length).toBeGreaterThan(6);
});

test.each([[[0, 2]], [[1]], [[3]], [[2, 1]], [[1.5, 0.5]], [[NaN]], [[-1, 3]], [[]]])(
  "counts of a compactor that are %s for two events are a TypeError",
  (counts) => {
    const wrong = framing(() => counts.map((count) => ({ data: "x", count })));
    const push = (): string => wrong.push("data: a\n\ndata: b\n\n");
    expect(push).toThrow(TypeError);
    expect(push).toThrow(/^compact must give events whose counts/);
  },
);

test("handlers compact what there was at the request; a wrong compactor breaks its reader off, and stops nothing", async () => {
  await using context = createResumableStreamContext({ waitUntil: null });
  const source = manualSource();
  const reading = read(await context.createNewResumableStream("compaction", source.makeStream));
  source.push("data: a\n\ndata: b\n\n");
  await reading.reached(18);
  const get = async (compact: Compactor) => {
    const options = { streamId: () => "compaction", authorize: () => true, compact };
    return readBody(await createResumeHandlers(context, options).GET(new Request("http://localhost/")));
  };
  const wrong = await (await get(() => [])).rest();
  expect(wrong.end).toBe("broken");
  const body = await get(joinAll);
  source.push("data: c\n\n", "data: d\n\n");
  source.end();
  const { text, end } = await body.rest();
  expect([saidIn(text).map(({ data }) => data), end]).toEqual([["ab", "c", "d"], "closed"]);
  expect((await reading.ended).kind).toBe("closed");
});
