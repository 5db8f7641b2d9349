// Every state × event of a silence, as a table that the compiler keeps complete.

import { describe, expect, test } from "vitest";
import {
  stepVerdict,
  type VerdictEffect,
  type VerdictEvent,
  type VerdictState,
} from "../../../src/transports/relay/verdict.ts";

const ackTimeoutMs = 1_000;
const now = 10_000;
const limits = { ackTimeoutMs, epoch: undefined };
const record = { status: "claimed", epoch: 7, raw: "e7" } as const;
const another = { status: "claimed", epoch: 9, raw: "e9" } as const;

const calm: VerdictState = { status: "calm", since: 8_500 };
const suspected: VerdictState = { ...calm, status: "suspected", suspect: record, suspectedAt: 8_600 };
const proven: VerdictState = { ...suspected, provenAt: 8_700 };

const states = {
  calm,
  looking: { ...calm, status: "looking", suspectedAt: 8_600 },
  lookingUnreceived: { ...calm, status: "looking", suspectedAt: 8_600, receivers: 0 },
  unproven: suspected,
  doneUnreceived: { ...suspected, suspect: { status: "done" }, receivers: 0 },
  doneReconnecting: { ...suspected, suspect: { status: "done" }, receivers: 0, reconnectedAt: 7_500 },
  doneReceived: { ...suspected, suspect: { status: "done" }, receivers: 1 },
  hopeless: { ...suspected, since: 8_000 },
  justProven: { ...suspected, provenAt: 9_500 },
  overdue: proven,
  longOverdue: { ...proven, provenAt: 4_000, suspectedAt: 4_000 },
  doneOverdue: { ...proven, suspect: { status: "done" } },
  reconnecting: { ...proven, reconnectedAt: 7_500 },
  accused: { ...proven, status: "accused" },
  accusedUnproven: { ...suspected, status: "accused" },
  condemned: { ...proven, status: "condemned" },
  over: { ...proven, status: "over" },
} satisfies Record<string, VerdictState>;

const events = {
  sent: { type: "sent", receivers: 1 },
  unsent: { type: "unsent" },
  echo: { type: "proven" },
  reconnected: { type: "reconnected" },
  heldUp: { type: "held-up" },
  waited: { type: "waited", answered: undefined },
  waitedHeard: { type: "waited", answered: { epoch: 7, at: 9_900 } },
  waitedHeardOfOther: { type: "waited", answered: { epoch: 9, at: 9_900 } },
  waitedBusy: { type: "waited", answered: { epoch: 7, at: 5_000, contextAt: 9_900 } },
  claimed: { type: "looked", record, answered: undefined },
  claimedByOther: { type: "looked", record: another, answered: undefined },
  done: { type: "looked", record: { status: "done" }, answered: undefined },
  free: { type: "looked", record: { status: "free" }, answered: undefined },
  released: { type: "released", record: { status: "free" } },
  taken: { type: "released", record: another },
} satisfies Record<string, VerdictEvent>;

type Row = Record<keyof typeof events, string>;

const nothing: Row = {
  sent: "",
  unsent: "",
  echo: "",
  reconnected: "",
  heldUp: "",
  waited: "",
  waitedHeard: "",
  waitedHeardOfOther: "",
  waitedBusy: "",
  claimed: "",
  claimedByOther: "",
  done: "",
  free: "",
  released: "",
  taken: "",
};

const table: Record<keyof typeof states, Row> = {
  calm: {
    ...nothing,
    waited: "look",
    waitedHeard: "look",
    waitedHeardOfOther: "look",
    waitedBusy: "look",
  },
  looking: { ...nothing, claimed: "prove", claimedByOther: "prove", done: "prove", free: "prove" },
  // Its producer may have subscribed since: it is asked again.
  lookingUnreceived: { ...nothing, claimed: "prove", claimedByOther: "prove", done: "prove", free: "prove" },
  unproven: {
    ...nothing,
    waited: "prove",
    waitedHeard: "prove",
    waitedHeardOfOther: "prove",
    waitedBusy: "prove",
  },
  // Nobody received the request, and the stream is done: its producer has left. One that was heard stays, and may be away.
  doneUnreceived: {
    ...nothing,
    waited: "tell done",
    waitedHeard: "prove",
    waitedHeardOfOther: "prove",
    waitedBusy: "prove",
  },
  doneReconnecting: {
    ...nothing,
    waited: "prove",
    waitedHeard: "prove",
    waitedHeardOfOther: "prove",
    waitedBusy: "prove",
  },
  doneReceived: {
    ...nothing,
    waited: "prove",
    waitedHeard: "prove",
    waitedHeardOfOther: "prove",
    waitedBusy: "prove",
  },
  hopeless: {
    ...nothing,
    waited: "give-up",
    waitedHeard: "give-up",
    waitedHeardOfOther: "give-up",
    waitedBusy: "give-up",
  },
  justProven: {
    ...nothing,
    waited: "ask",
    waitedHeard: "ask",
    waitedHeardOfOther: "ask",
    waitedBusy: "ask",
  },
  // The claim that doesn't answer us has answered somebody else of this process a moment ago, or its process another.
  overdue: { ...nothing, waited: "look", waitedHeard: "ask", waitedHeardOfOther: "look", waitedBusy: "ask" },
  // A process that answers others for ever, and never this one.
  longOverdue: {
    ...nothing,
    waited: "look",
    waitedHeard: "ask",
    waitedHeardOfOther: "look",
    waitedBusy: "look",
  },
  doneOverdue: {
    ...nothing,
    waited: "look",
    waitedHeard: "look",
    waitedHeardOfOther: "look",
    waitedBusy: "look",
  },
  reconnecting: {
    ...nothing,
    waited: "ask",
    waitedHeard: "ask",
    waitedHeardOfOther: "ask",
    waitedBusy: "ask",
  },
  accused: {
    ...nothing,
    claimed: "condemn",
    claimedByOther: "ask",
    done: "tell done",
    free: "tell absent",
  },
  accusedUnproven: {
    ...nothing,
    claimed: "ask",
    claimedByOther: "ask",
    done: "tell done",
    free: "tell absent",
  },
  condemned: { ...nothing, released: "tell lost", taken: "ask" },
  over: nothing,
};

describe.each(Object.entries(states))("a silence that is %s", (stateName, state) => {
  test.each(Object.entries(events))("answers %s", (eventName, event) => {
    const { effect } = stepVerdict(state, event, now, limits);
    expect(told(effect)).toBe(table[stateName as keyof typeof states][eventName as keyof typeof events]);
  });
});

test("a record that names nobody is the asked producer's: it gets the time of one that was heard", () => {
  const asked = { ackTimeoutMs, epoch: 7 };
  for (const event of [events.waitedHeard, events.waitedBusy]) {
    expect(told(stepVerdict(states.doneOverdue, event, now, asked).effect)).toBe("ask");
  }
});

test("a successor in the record is the verdict on the one that was asked", () => {
  const asked = { ackTimeoutMs, epoch: 7 };
  const verdicts = [
    [states.condemned, events.taken],
    [states.accused, events.claimedByOther],
  ] as const;
  for (const [state, event] of verdicts) {
    expect(told(stepVerdict(state, event, now, asked).effect)).toBe("tell lost");
  }
});

test("a record that was written anew and names no successor is asked again", () => {
  const asked = { ackTimeoutMs, epoch: 7 };
  for (const anew of [{ status: "done" }, { status: "claimed", epoch: 0, raw: "1" }] as const) {
    expect(told(stepVerdict(states.condemned, { type: "released", record: anew }, now, asked).effect)).toBe(
      "ask",
    );
  }
});

test("a message that couldn't be sent, a lost connection and a stall take the proof away", () => {
  for (const type of ["unsent", "reconnected", "held-up"] as const) {
    expect(stepVerdict(states.overdue, { type }, now, limits).state.provenAt).toBe(undefined);
  }
});

test("the first proof counts", () => {
  expect(stepVerdict(states.overdue, { type: "proven" }, now, limits).state.provenAt).toBe(8_700);
});

test("a stall starts the time anew", () => {
  const { state } = stepVerdict(states.hopeless, { type: "held-up" }, now, limits);
  expect(told(stepVerdict(state, events.waited, now, limits).effect)).toBe("prove");
});

test("a claim that isn't the one that was asked has nothing to fear from that one's silence", () => {
  const { effect } = stepVerdict(states.accused, events.claimed, now, { ackTimeoutMs, epoch: 5 });
  expect(told(effect)).toBe("tell lost");
});

function told(effect: VerdictEffect | undefined): string {
  switch (effect?.type) {
    case undefined:
      return "";
    case "ask":
      return effect.isProving ? "prove" : "ask";
    case "tell":
      return `tell ${effect.result.status}`;
    case "look":
    case "condemn":
    case "give-up":
      return effect.type;
  }
}
