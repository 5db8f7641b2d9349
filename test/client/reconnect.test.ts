// Every state and event of the client's reconnecting.

import { describe, expect, test } from "vitest";
import type { ResumableFetchErrorCode } from "../../src/client/error.ts";
import {
  judge,
  type ReconnectEffect,
  type ReconnectEvent,
  type ReconnectState,
  stepReconnect,
} from "../../src/client/reconnect.ts";

const MAX_ATTEMPTS = 3;

type Phase = ReconnectState["phase"];
type Outcome = { phase: Phase; attempts: number; effect?: ReconnectEffect };

const stay = (phase: Phase): Outcome => ({ phase, attempts: 1 });
const retry: Outcome = { phase: "waiting", attempts: 2, effect: { type: "wait", attempt: 1 } };
const reconnect: Outcome = { phase: "connecting", attempts: 1, effect: { type: "connect" } };
const finish = (code?: ResumableFetchErrorCode): Outcome => ({
  phase: "over",
  attempts: 1,
  effect: { type: "finish", ...(code && { code }) },
});

const events = {
  progress: { type: "progress" },
  cut: { type: "cut" },
  "wake, quiet": { type: "wake", isQuiet: true },
  "wake, lively": { type: "wake", isQuiet: false },
  opened: { type: "opened" },
  refused: { type: "refused", code: "MISSED_END" },
  done: { type: "ended", end: "done" },
  stopped: { type: "ended", end: "stopped" },
  failed: { type: "ended", end: "failed" },
  lost: { type: "ended", end: "lost" },
  left: { type: "left" },
} satisfies Record<string, ReconnectEvent>;

type Row = Record<Exclude<Phase, "over">, Outcome>;
const always = (outcome: Outcome): Row => ({ reading: outcome, waiting: outcome, connecting: outcome });
const unchanged: Row = { reading: stay("reading"), waiting: stay("waiting"), connecting: stay("connecting") };

const table: Record<keyof typeof events, Row> = {
  progress: { ...unchanged, reading: { phase: "reading", attempts: 0 } },
  cut: { reading: retry, waiting: stay("waiting"), connecting: retry },
  "wake, quiet": always(reconnect),
  "wake, lively": { ...unchanged, waiting: reconnect },
  opened: { ...unchanged, connecting: stay("reading") },
  refused: always(finish("MISSED_END")),
  done: always(finish()),
  stopped: always(finish()),
  failed: always(finish("SOURCE_FAILED")),
  lost: always(finish("PRODUCER_LOST")),
  left: always(finish()),
};

const cells = Object.entries(table).flatMap(([name, row]) =>
  Object.entries(row).map(([phase, outcome]) => ({
    name: name as keyof typeof events,
    phase: phase as Phase,
    outcome,
  })),
);

test.each(cells)("$phase: $name", ({ name, phase, outcome }) => {
  const { state, effect } = stepReconnect({ phase, attempts: 1 }, events[name], MAX_ATTEMPTS);
  expect({ ...state, ...(effect && { effect }) }).toEqual(outcome);
});

test.each(Object.entries(events))("over: %s changes nothing", (_name, event) => {
  const state = { phase: "over", attempts: 1 } as const;
  expect(stepReconnect(state, event, MAX_ATTEMPTS)).toEqual({ state });
});

test.each(["reading", "connecting"] as const)("%s: gives up after maxAttempts without progress", (phase) => {
  const step = stepReconnect({ phase, attempts: MAX_ATTEMPTS }, { type: "cut" }, MAX_ATTEMPTS);
  expect(step.effect).toEqual({ type: "finish", code: "UNREACHABLE" });
});

describe("an answer", () => {
  test.each([
    [200, "running", "opened"],
    [200, null, "opened"],
    [204, "done", "MISSED_END"],
    [204, null, "MISSED_END"],
    [204, "absent", "PRODUCER_LOST"],
    [422, null, "MISSED_END"],
    [410, "lost", "PRODUCER_LOST"],
    [410, null, "PRODUCER_LOST"],
    [410, "failed", "failed"],
    [400, null, "REFUSED"],
    [403, null, "REFUSED"],
    [404, null, "REFUSED"],
    [408, null, "cut"],
    [429, null, "cut"],
    [500, null, "cut"],
    [503, "unavailable", "cut"],
  ])("of status %s, %s: %s", (status, streamStatus, answer) => {
    const event = judge(status, streamStatus);
    const { code, end, type } = { code: undefined, end: undefined, ...event };
    expect(code ?? end ?? type).toBe(answer);
  });
});
