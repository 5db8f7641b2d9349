// What the judge finds wrong, and what it lets pass: observations that were made up.

import { describe, expect, it } from "vitest";
import { sourceText } from "../support/source.ts";
import { judge, SETTLED_MS, type World } from "./judge.ts";
import type { Disturbance, Leg, Run, Stop, StreamLog } from "./observed.ts";

const CALM: World = { disturbances: [], keepsText: false };
const spec = { label: "s1.o", chunks: 20, everyMs: 500, chunkLength: 20, end: "close" } as const;
const text = sourceText(spec);
const half = text.slice(0, text.length / 2);

const original: Leg = leg({ name: "s1.o", call: "resumableStream", process: "0.0" });
const follower: Leg = leg({ name: "s1.r0.0", process: "1.0", calledAt: 5_000, answeredAt: 5_010 });
const run: Run = { spec, process: "0.0", made: true, leg: "s1.o" };
const stop: Stop = { process: "2.0", calledAt: 4_000, answeredAt: 4_010, answer: true };

/** A leg that read the whole text, unless told otherwise. */
function leg(changes: Partial<Leg>): Leg {
  return {
    name: "s1.o",
    process: "0.0",
    call: "resumeExistingStream",
    offset: 0,
    calledAt: 1_000,
    answeredAt: 1_010,
    outcome: "stream",
    text,
    endedAt: 11_100,
    end: { kind: "clean" },
    longestWaitMs: 510,
    ...changes,
  };
}

function log(changes: Partial<StreamLog> = {}): StreamLog {
  return { streamId: "s1", runs: [run], legs: [original, follower], stops: [], ...changes };
}

/** The follower with changes, beside a whole original reader. */
function following(changes: Partial<Leg>): StreamLog {
  return log({ legs: [original, { ...follower, ...changes }] });
}

function ending(code: string): Partial<Leg> {
  return { text: half, end: { kind: "error", error: { name: "Error", code, message: "no text" } } };
}

function disturbance(changes: Partial<Disturbance>): Disturbance {
  return { kind: "killed", process: "0.0", from: 6_000, to: 6_010, ...changes };
}

const other: Run = { spec: { ...spec, label: "s1.r0.0" }, process: "1.0", made: true, leg: "s1.r0.0" };
const failing: Run = { ...run, spec: { ...spec, end: "error" } };
const failed = {
  end: { kind: "error", error: { name: "Error", code: "SOURCE_FAILED", message: "" } },
} as const;
const stoppedAt = (length: number): Partial<Leg> => ({ text: text.slice(0, length), endedAt: 4_100 });

describe("in calm it finds", () => {
  it.each<[what: string, expected: string, seen: StreamLog]>([
    ["a wrong character", "no source's", following({ text: `${text.slice(0, -1)}?` })],
    ["a hole", "no source's", following({ text: text.slice(0, 40) + text.slice(60) })],
    ["a piece that came twice", "no source's", following({ text: text.slice(0, 40) + text.slice(20) })],
    ["text from another offset", "no source's", following({ offset: 20, text })],
    ["text after the end", "no source's", following({ text: `${text}[s1.o 20]` })],
    ["text of a source that nobody made", "no source's", log({ runs: [{ ...run, made: false }, other] })],
    [
      "two texts in one reader",
      "no source's",
      log({
        runs: [run, other],
        legs: [original, { ...follower, text: half + sourceText(other.spec).slice(half.length) }],
      }),
    ],
    [
      "another text behind a mark",
      "no source's",
      log({
        runs: [run, other],
        legs: [
          original,
          { ...follower, text: half, end: { kind: "left" } },
          leg({
            name: "back",
            continues: follower.name,
            offset: half.length,
            text: sourceText(other.spec).slice(half.length),
          }),
        ],
      }),
    ],
    ["a clean end on part of the text", "ended cleanly at 200", following({ text: half })],
    [
      "a clean end of an empty reader in the middle",
      "ended cleanly at 200",
      following({ offset: 200, text: "" }),
    ],
    [
      "a clean end of a source that failed",
      "ended cleanly",
      log({ runs: [failing], legs: [{ ...original, ...failed }, follower] }),
    ],
    ["a failure of a source that didn't fail", "no source failed", following(failed)],
    [
      "a failure before the source's own",
      "no source failed",
      log({
        runs: [failing],
        legs: [
          { ...original, ...failed },
          { ...follower, ...failed, text: half },
        ],
      }),
    ],
    ["a lost producer that lives", "ended as lost", following(ending("PRODUCER_LOST"))],
    [
      "a server that is there and called away",
      "ended as unavailable",
      following(ending("TRANSPORT_UNAVAILABLE")),
    ],
    ["an end that none of these is", "ended with CLOSED", following(ending("CLOSED"))],
    ["a reader that hangs", "neither got text", following({ text: half, end: { kind: "open" } })],
    ["a reader that hung, and went on", "waited", following({ longestWaitMs: SETTLED_MS + 1 })],
    ["a call without an answer", "no answer", following({ outcome: "no answer" })],
    ["a stream that runs, told as done", "got null", following({ outcome: "null" })],
    ["a stream that runs, told as absent", "got undefined", following({ outcome: "undefined" })],
    [
      "a stream that is done, told as absent",
      "had ended",
      following({ outcome: "undefined", calledAt: 12_000, answeredAt: 12_010 }),
    ],
    [
      "a call rejected without a reason",
      "nothing was wrong",
      following({
        outcome: "rejected",
        error: { name: "Error", code: "TRANSPORT_UNAVAILABLE", message: "" },
      }),
    ],
    [
      "a call rejected for what is never a reason",
      "rejected with CLOSED",
      following({ outcome: "rejected", error: { name: "Error", code: "CLOSED", message: "" } }),
    ],
    [
      "an original reader that is delayed",
      "waited 11000",
      log({ legs: [{ ...original, longestWaitMs: 11_000 }] }),
    ],
    [
      "two producers at a time",
      "produced while",
      log({
        runs: [run, other],
        legs: [original, { ...follower, call: "resumableStream", text: sourceText(other.spec) }],
      }),
    ],
    ["readers of a stopped stream with unequal texts", "stopped at", stoppedLog(60, 80)],
    [
      "a stop that was told that nothing runs, and stopped",
      "ended cleanly",
      log({ legs: [{ ...original, ...stoppedAt(60) }], stops: [{ ...stop, answer: false }] }),
    ],
    ["a stop of what runs that finds nothing", "found nothing", log({ stops: [{ ...stop, answer: false }] })],
    ["a stop without an answer", "no answer", log({ stops: [{ ...stop, answer: "no answer" }] })],
    [
      "a stop rejected without a reason",
      "a stop was rejected",
      log({ stops: [{ ...stop, answer: "rejected" }] }),
    ],
  ])("%s", (_, expected, seen) => {
    const found = judge(seen, CALM);
    expect(found.length).toBeGreaterThan(0);
    expect(found.join("\n")).toContain(expected);
  });
});

function stoppedLog(one: number, two: number): StreamLog {
  const legs = [
    { ...original, ...stoppedAt(one) },
    { ...follower, calledAt: 2_000, answeredAt: 2_010, ...stoppedAt(two) },
  ];
  return log({ legs, stops: [stop] });
}

describe("whatever was disturbed, it finds", () => {
  const disturbances = [
    disturbance({ kind: "server away", process: "0.0" }),
    disturbance({ process: "1.0" }),
  ];
  it.each<[what: string, seen: StreamLog]>([
    ["a wrong character", following({ text: `${text.slice(0, -1)}?` })],
    ["a clean end on part of the text", following({ text: half })],
    [
      "an original reader that is told of the server",
      log({ legs: [{ ...original, ...ending("TRANSPORT_UNAVAILABLE") }] }),
    ],
    ["an original reader that waits for the server", log({ legs: [{ ...original, longestWaitMs: 11_000 }] })],
    ["a reader that hangs", following({ text: half, end: { kind: "open" } })],
    ["an end that none of these is", following(ending("MALFORMED_MESSAGE"))],
  ])("%s", (_, seen) => {
    expect(judge(seen, { disturbances, keepsText: false })).toHaveLength(1);
  });
});

describe("it lets pass", () => {
  it.each<[what: string, seen: StreamLog, world: Partial<World>]>([
    ["a whole text for all", log(), {}],
    ["the rest from an offset", following({ offset: 77, text: text.slice(77) }), {}],
    ["a reader that leaves", following({ text: half, end: { kind: "left" } }), {}],
    [
      "nothing for who comes after the end",
      following({ outcome: "null", calledAt: 12_000, answeredAt: 12_010 }),
      {},
    ],
    [
      "a source that failed",
      log({
        runs: [failing],
        legs: [
          { ...original, ...failed },
          { ...follower, ...failed },
        ],
      }),
      {},
    ],
    ["one text for all readers of a stopped stream", stoppedLog(80, 80), {}],
    ["a producer that was killed", following(ending("PRODUCER_LOST")), { disturbances: [disturbance({})] }],
    [
      "what a killed producer left, in a log",
      following({ text: half }),
      { disturbances: [disturbance({})], keepsText: true },
    ],
    [
      "a stop that a producer heard when it was back",
      log({ legs: [{ ...original, ...stoppedAt(60) }], stops: [{ ...stop, answer: false }] }),
      { disturbances: [disturbance({ kind: "silent", from: 3_000, to: 4_050 })] },
    ],
    [
      "an original reader whose process was frozen",
      log({ legs: [{ ...original, longestWaitMs: 14_000 }] }),
      { disturbances: [disturbance({ kind: "frozen", from: 2_000, to: 8_000 })] },
    ],
  ])("%s", (_, seen, world) => {
    expect(judge(seen, { ...CALM, ...world })).toEqual([]);
  });
});

it("another process' death excuses nothing", () => {
  const seen = following(ending("PRODUCER_LOST"));
  expect(judge(seen, { ...CALM, disturbances: [disturbance({ process: "3.0" })] })).toHaveLength(1);
  expect(judge(seen, { ...CALM, disturbances: [disturbance({ from: 90_000, to: 90_010 })] })).toHaveLength(1);
});
