// Every state × event of the producer, as a table the compiler keeps complete.

import { describe, expect, test } from "vitest";
import {
  initialProducerState,
  isSettled,
  type ProducerEvent,
  type ProducerState,
  stepProducer,
} from "../../src/engine/producer-state.ts";

const fresh = initialProducerState({ keepsText: false, handsOver: false });
const held: ProducerState = { ...fresh, record: "held", tail: 3, hasStarted: true };
const heldLog: ProducerState = {
  ...initialProducerState({ keepsText: true, handsOver: false }),
  record: "held",
  hasStarted: true,
  tail: 3,
  sent: 3,
};

const states = {
  unclaimed: { ...fresh, tail: 3 },
  unwatched: held,
  watched: { ...held, isWatched: true, sent: 3 },
  appending: { ...held, isWatched: true, sent: 3, isAppending: true },
  endingWhileAppending: { ...held, isWatched: true, isAppending: true, source: "done", end: "waiting" },
  finishing: { ...held, record: "finishing", source: "done", end: "waiting" },
  toldAndFinishing: { ...held, record: "finishing", source: "done", end: "told" },
  settled: { ...held, record: "settled", source: "done", end: "told" },
  fenced: { ...held, record: "fenced" },
  fencedAndAlone: { ...held, record: "fenced", primary: "left", source: "lost", end: "told" },
  left: { ...held, primary: "left" },
  log: heldLog,
  // Whose app takes what has ended:
  due: { ...held, handover: "due" },
  dueUnstarted: { ...held, hasStarted: false, handover: "due" },
  stoppedUnstarted: { ...held, hasStarted: false, source: "stopped", handover: "due" },
  dueWithoutClaim: { ...fresh, tail: 3, hasStarted: true, handover: "due" },
  dueLog: { ...heldLog, handover: "due" },
  dueAppending: { ...heldLog, isAppending: true, handover: "due" },
  storing: {
    ...heldLog,
    isAppending: true,
    source: "done",
    handover: "storing",
  },
  handingOver: { ...held, source: "done", handover: "running" },
  handingOverFenced: { ...held, record: "fenced", handover: "running" },
  handedOver: { ...held, record: "finishing", source: "done", end: "waiting", handover: "over" },
} satisfies Record<string, ProducerState>;

const events = {
  started: { type: "started" },
  discarded: { type: "discarded" },
  claimed: { type: "claimed" },
  produced: { type: "produced", tail: 9 },
  watch: { type: "watched", isWatched: true, tail: 3 },
  unwatch: { type: "watched", isWatched: false, tail: 3 },
  taken: { type: "taken", to: 3 },
  appended: { type: "appended" },
  sourceDone: { type: "source-ended", end: "done" },
  sourceFailed: { type: "source-ended", end: "failed" },
  stop: { type: "stop" },
  primaryLeft: { type: "primary-left" },
  fence: { type: "fenced" },
  written: { type: "written" },
  overdue: { type: "overdue" },
  finished: { type: "finished" },
  handedOver: { type: "handed-over" },
} satisfies Record<string, ProducerEvent>;

type Row = Record<keyof typeof events, string>;

const nothing: Row = {
  started: "",
  discarded: "",
  claimed: "",
  produced: "",
  watch: "",
  unwatch: "",
  taken: "",
  appended: "",
  sourceDone: "",
  sourceFailed: "",
  stop: "",
  primaryLeft: "",
  fence: "",
  written: "",
  overdue: "",
  finished: "",
  handedOver: "",
};

const table: Record<keyof typeof states, Row> = {
  unclaimed: {
    ...nothing,
    sourceDone: "tell-end",
    sourceFailed: "tell-end",
    stop: "tell-end cancel-source",
    fence: "drop-followers",
  },
  unwatched: {
    ...nothing,
    sourceDone: "finish await-backend",
    sourceFailed: "finish await-backend",
    stop: "cancel-source finish await-backend",
    fence: "drop-followers",
  },
  watched: {
    ...nothing,
    produced: "append",
    sourceDone: "finish await-backend",
    sourceFailed: "finish await-backend",
    stop: "cancel-source finish await-backend",
    fence: "drop-followers",
  },
  appending: {
    ...nothing,
    sourceDone: "hurry await-backend",
    sourceFailed: "hurry await-backend",
    stop: "cancel-source hurry await-backend",
    fence: "drop-followers",
  },
  endingWhileAppending: {
    ...nothing,
    appended: "finish",
    fence: "tell-end drop-followers",
    written: "tell-end",
    overdue: "tell-end",
  },
  finishing: {
    ...nothing,
    fence: "tell-end drop-followers",
    written: "tell-end",
    overdue: "tell-end",
    finished: "tell-end",
  },
  toldAndFinishing: { ...nothing, fence: "drop-followers" },
  settled: nothing,
  fenced: {
    ...nothing,
    sourceDone: "tell-end",
    sourceFailed: "tell-end",
    stop: "tell-end cancel-source",
    primaryLeft: "tell-end cancel-source",
  },
  fencedAndAlone: nothing,
  left: {
    ...nothing,
    sourceDone: "finish await-backend",
    sourceFailed: "finish await-backend",
    stop: "cancel-source finish await-backend",
    fence: "tell-end drop-followers cancel-source",
  },
  log: {
    ...nothing,
    produced: "append",
    sourceDone: "finish await-backend",
    sourceFailed: "finish await-backend",
    stop: "cancel-source finish await-backend",
    fence: "drop-followers",
  },
  due: {
    ...nothing,
    sourceDone: "hand-over",
    sourceFailed: "hand-over",
    stop: "cancel-source hand-over",
    fence: "drop-followers hand-over",
  },
  dueUnstarted: { ...nothing, stop: "cancel-source", fence: "drop-followers" },
  stoppedUnstarted: {
    ...nothing,
    started: "hand-over",
    discarded: "finish await-backend",
    fence: "drop-followers",
  },
  dueWithoutClaim: {
    ...nothing,
    sourceDone: "hand-over",
    sourceFailed: "hand-over",
    stop: "cancel-source hand-over",
    fence: "drop-followers hand-over",
  },
  dueLog: {
    ...nothing,
    produced: "append",
    sourceDone: "hand-over",
    sourceFailed: "hand-over",
    stop: "cancel-source hand-over",
    fence: "drop-followers hand-over",
  },
  dueAppending: {
    ...nothing,
    sourceDone: "hurry await-backend",
    sourceFailed: "hurry await-backend",
    stop: "cancel-source hurry await-backend",
    fence: "drop-followers hand-over",
  },
  storing: {
    ...nothing,
    produced: "",
    appended: "hand-over",
    fence: "drop-followers hand-over",
    overdue: "hand-over",
  },
  handingOver: { ...nothing, fence: "drop-followers", handedOver: "finish await-backend" },
  handingOverFenced: {
    ...nothing,
    stop: "cancel-source",
    primaryLeft: "cancel-source",
  },
  handedOver: {
    ...nothing,
    fence: "tell-end drop-followers",
    written: "tell-end",
    overdue: "tell-end",
    finished: "tell-end",
  },
};

describe.each(Object.entries(states))("a producer that is %s", (stateName, state) => {
  test.each(Object.entries(events))("answers %s", (eventName, event) => {
    const row = table[stateName as keyof typeof states];
    expect(stepProducer(state, event).effects.join(" ")).toBe(row[eventName as keyof typeof events]);
  });
});

test("what a relay sends starts at the tail its first follower found", () => {
  const { state } = stepProducer({ ...held, sent: 2 }, { type: "watched", isWatched: true, tail: 9 });
  expect(state.sent).toBe(9);
  const second = stepProducer(state, { type: "watched", isWatched: true, tail: 12 });
  expect(second.state.sent).toBe(9);
});

test("a log gets everything from the start", () => {
  const { state } = stepProducer(
    { ...held, keepsText: true, sent: 2 },
    { type: "watched", isWatched: true, tail: 3 },
  );
  expect(state.sent).toBe(2);
});

test("the first of two ends counts", () => {
  const stopped = stepProducer(held, { type: "stop" });
  const late = stepProducer(stopped.state, { type: "source-ended", end: "done" });
  expect(late.state.source).toBe("stopped");
  expect(late.effects).toEqual([]);
});

test.each([
  ["a running source", states.unwatched, false],
  ["an end that isn't written yet", states.finishing, false],
  ["an end that is written", states.settled, true],
  ["a fenced stream whose primary reader still reads", states.fenced, false],
  ["an ended source that never had a claim", { ...fresh, source: "done" } satisfies ProducerState, true],
])("%s: settled is told right", (_, state, expected) => {
  expect(isSettled(state)).toBe(expected);
});
