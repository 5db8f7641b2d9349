// Every state and event of the client's reconnecting.

import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import {
  ending,
  type ReconnectEffect,
  type ReconnectEvent,
  type ReconnectState,
  stepReconnect,
  type Verdict,
} from "../../src/client/reconnect.ts";

const MAX_ATTEMPTS = 3;
const online = { maxAttempts: MAX_ATTEMPTS, isOffline: false };

/** Every state that there is, with one attempt made. */
const states = {
  reading: { reads: true, next: "none" },
  confirming: { reads: true, next: "none", confirms: "other" },
  draining: { reads: true, next: "none", verdict: { code: "MISSED_END" } },
  doubting: { reads: true, next: "waiting" },
  replacing: { reads: true, next: "asking" },
  waiting: { reads: false, next: "waiting" },
  held: { reads: false, next: "waiting", isHeld: true },
  connecting: { reads: false, next: "asking" },
  "connecting, closed by ours": { reads: false, next: "asking", closed: "ours" },
  "connecting, closed by another": { reads: false, next: "asking", closed: "other" },
} satisfies Record<string, Omit<ReconnectState, "attempts">>;

const events = {
  moved: { type: "heard", moved: true },
  heard: { type: "heard", moved: false },
  stalled: { type: "stalled" },
  "cut, of no use": { type: "cut", served: false },
  "cut, of use": { type: "cut", served: true },
  "cut, to move": { type: "cut", served: false, isMoved: true },
  "cut, of use, to move": { type: "cut", served: true, isMoved: true },
  "closed by ours": { type: "closed", by: "ours" },
  "closed by another": { type: "closed", by: "other" },
  due: { type: "due" },
  "wake, quiet": { type: "wake", isQuiet: true },
  "wake, lively": { type: "wake", isQuiet: false },
  opened: { type: "opened", isBehind: false },
  "opened, behind": { type: "opened", isBehind: true },
  failed: { type: "failed" },
  "failed, not before": { type: "failed", afterMs: 30_000 },
  "judged done": { type: "judged", verdict: ending("done") },
  "judged lost": { type: "judged", verdict: ending("lost") },
  "judged missed": { type: "judged", verdict: { code: "MISSED_END" } },
  "judged longer": { type: "judged", verdict: { code: "MISSED_END" }, isProven: true },
  ended: { type: "ended", verdict: ending("failed") },
  "ended, not the rest": { type: "ended", verdict: { code: "NOT_RESUMED" } },
  left: { type: "ended", verdict: {} },
} satisfies Record<string, ReconnectEvent>;

type StateName = keyof typeof states;
/** Where it goes and what is done: an effect's name, or how it ends. */
type Cell =
  | "-"
  | `${"over" | "reading" | "draining" | "doubting" | "replacing" | "waiting" | "connecting" | "same"}: ${string}`;
type Row = Record<StateName, Cell>;

const always = (cell: Cell): Row => rowOf(Object.keys(states) as StateName[], cell, {});
const only = (row: Partial<Row>): Row => rowOf([], "-", row);
function rowOf(names: StateName[], cell: Cell, row: Partial<Row>): Row {
  const of = (name: StateName): Cell => row[name] ?? (names.includes(name) ? cell : "-");
  return {
    reading: of("reading"),
    confirming: of("confirming"),
    draining: of("draining"),
    doubting: of("doubting"),
    replacing: of("replacing"),
    waiting: of("waiting"),
    held: of("held"),
    connecting: of("connecting"),
    "connecting, closed by ours": of("connecting, closed by ours"),
    "connecting, closed by another": of("connecting, closed by another"),
  };
}
const asking = (cell: Cell): Partial<Row> => ({
  connecting: cell,
  "connecting, closed by ours": cell,
  "connecting, closed by another": cell,
});

const table: Record<keyof typeof events, Row> = {
  moved: only({
    reading: "reading: 0",
    confirming: "reading: 0",
    draining: "reading: 0",
    doubting: "reading: 0",
    replacing: "replacing: 0",
  }),
  heard: only({
    reading: "reading: 1",
    confirming: "reading: 1",
    draining: "reading: 1",
    doubting: "reading: 1",
    replacing: "replacing: 1",
  }),
  stalled: only({
    reading: "replacing: 0 connect",
    confirming: "replacing: 0 connect",
    draining: "over: MISSED_END",
  }),
  "cut, of no use": only({
    reading: "waiting: 2 wait 1",
    confirming: "waiting: 2 wait 1",
    draining: "over: MISSED_END",
    doubting: "waiting: 1",
    replacing: "connecting: 1",
  }),
  "cut, of use": only({
    reading: "waiting: 1 wait 0",
    confirming: "waiting: 1 wait 0",
    draining: "over: MISSED_END",
    doubting: "waiting: 1",
    replacing: "connecting: 1",
  }),
  // At once, but not twice in a row: the attempt before came no further.
  "cut, to move": only({
    reading: "waiting: 2 wait 1",
    confirming: "waiting: 2 wait 1",
    draining: "over: MISSED_END",
    doubting: "waiting: 1",
    replacing: "connecting: 1",
  }),
  "cut, of use, to move": only({
    reading: "connecting: 1 connect",
    confirming: "connecting: 1 connect",
    draining: "over: MISSED_END",
    doubting: "waiting: 1",
    replacing: "connecting: 1",
  }),
  "closed by ours": only({
    reading: "waiting: 2 wait 1",
    confirming: "waiting: 2 wait 1",
    draining: "waiting: 2 wait 1",
    doubting: "waiting: 2 wait 1",
    replacing: "waiting: 2 wait 1",
  }),
  // An end only if the close before was at the same place: a connection that was opened after a cut proves nothing.
  "closed by another": only({
    reading: "waiting: 2 wait 1",
    confirming: "over: done",
    draining: "waiting: 2 wait 1",
    doubting: "waiting: 2 wait 1",
    replacing: "waiting: 2 wait 1",
  }),
  due: only({
    doubting: "replacing: 1 connect",
    waiting: "connecting: 1 connect",
    held: "connecting: 1 connect",
  }),
  "wake, quiet": only({
    reading: "replacing: 1 connect",
    confirming: "replacing: 1 connect",
    draining: "replacing: 1 connect",
    doubting: "replacing: 0 connect",
    replacing: "replacing: 1 connect",
    waiting: "connecting: 0 connect",
    ...asking("connecting: 1 connect"),
  }),
  "wake, lively": only({ doubting: "replacing: 0 connect", waiting: "connecting: 0 connect" }),
  opened: only({ replacing: "reading: 1 switch", ...asking("reading: 1 switch") }),
  // Without a connection nothing goes further meanwhile.
  "opened, behind": only({ replacing: "doubting: 1 wait 1", ...asking("waiting: 1 wait 1") }),
  failed: only({ replacing: "doubting: 2 wait 1", ...asking("waiting: 2 wait 1") }),
  "failed, not before": only({
    replacing: "doubting: 2 wait 1 held",
    ...asking("waiting: 2 wait 1 held"),
  }),
  "judged done": only({ replacing: "over: done", ...asking("over: done") }),
  "judged lost": only({ replacing: "draining: 1 drain", ...asking("over: PRODUCER_LOST") }),
  "judged missed": only({
    replacing: "draining: 1 drain",
    ...asking("over: MISSED_END"),
    "connecting, closed by another": "over: done",
  }),
  "judged longer": only({ replacing: "draining: 1 drain", ...asking("over: MISSED_END") }),
  ended: always("over: SOURCE_FAILED"),
  "ended, not the rest": { ...always("over: NOT_RESUMED"), confirming: "over: done" },
  left: always("over: left"),
};

function nameOf({ reads, next, verdict }: ReconnectState): string {
  if (next === "over") return "over";
  if (reads)
    return { none: verdict ? "draining" : "reading", waiting: "doubting", asking: "replacing" }[next];
  return { none: "nowhere", waiting: "waiting", asking: "connecting" }[next];
}

function show(verdict: Verdict): string {
  return verdict.code ?? verdict.end ?? "left";
}

function told(effect: ReconnectEffect | undefined): string {
  switch (effect?.type) {
    case undefined:
      return "";
    case "wait":
      return ` wait ${effect.attempt}${effect.afterMs > 0 ? " held" : ""}`;
    case "finish":
      return show(effect.verdict);
    case "connect":
    case "switch":
    case "drain":
      return ` ${effect.type}`;
  }
}

const cells = Object.entries(table).flatMap(([name, row]) =>
  Object.entries(row).map(([from, cell]) => ({
    name: name as keyof typeof events,
    from: from as StateName,
    cell,
  })),
);

test.each(cells)("$from: $name", ({ name, from, cell }) => {
  const before: ReconnectState = { ...states[from], attempts: 1 };
  const { state, effect } = stepReconnect(before, events[name], online);
  const attempts = state.next === "over" ? "" : String(state.attempts);
  const isSame = effect === undefined && isDeepStrictEqual(state, before);
  expect(isSame ? "-" : `${nameOf(state)}: ${attempts}${told(effect)}`).toBe(cell);
});

test.each(Object.entries(events))("over: %s changes nothing", (_name, event) => {
  const state: ReconnectState = { reads: false, next: "over", attempts: 1 };
  expect(stepReconnect(state, event, online)).toEqual({ state });
});

test.each([
  ["reading", "cut, of no use"],
  ["connecting", "failed"],
  ["replacing", "failed"],
  ["reading", "closed by ours"],
] as const)("%s, %s: gives up after maxAttempts that came no further", (from, name) => {
  const step = stepReconnect({ ...states[from], attempts: MAX_ATTEMPTS }, events[name], online);
  expect(step.effect).toEqual({ type: "finish", verdict: { code: "UNREACHABLE" } });
});

test("offline no attempt is the last one, however many were made", () => {
  const offline = { maxAttempts: MAX_ATTEMPTS, isOffline: true };
  const state = { ...states.connecting, attempts: MAX_ATTEMPTS };
  expect(stepReconnect(state, events.failed, offline)).toMatchObject({
    state: { attempts: MAX_ATTEMPTS },
    effect: { type: "wait", attempt: MAX_ATTEMPTS - 1 },
  });
});

test("a server whose stream goes on elsewhere is left at once, unless the attempt before came no further", () => {
  const moved = stepReconnect({ reads: true, next: "none", attempts: 0 }, events["cut, to move"], online);
  expect(moved).toEqual({
    state: { reads: false, next: "asking", attempts: 1, verdict: undefined },
    effect: { type: "connect" },
  });
  const again = stepReconnect({ ...moved.state, reads: true, next: "none" }, events["cut, to move"], online);
  expect(again.effect).toEqual({ type: "wait", attempt: 1, afterMs: 0 });
});

test("a first clean close is followed by a question at once, and a failed attempt ends its worth as a proof", () => {
  const closed = stepReconnect({ reads: true, next: "none", attempts: 0 }, events["closed by ours"], online);
  expect(closed).toEqual({
    state: { reads: false, next: "asking", attempts: 1, closed: "ours" },
    effect: { type: "connect" },
  });
  expect(stepReconnect(closed.state, events.failed, online).state.closed).toBeUndefined();
});
