// Every status × event of a claim, as a table that the compiler keeps complete.

import { describe, expect, test } from "vitest";
import { type ClaimEvent, type ClaimStatus, stepClaim } from "../../../src/transports/relay/claim-state.ts";

const events = {
  won: { type: "won" },
  finishing: { type: "finishing" },
  named: { type: "named" },
  own: { type: "looked", isAnothers: false },
  anothers: { type: "looked", isAnothers: true },
  fenced: { type: "fenced" },
  closed: { type: "closed" },
} satisfies Record<string, ClaimEvent>;

type EventName = keyof typeof events;

/** A type of event that isn't in the table is no `EventName`: it doesn't compile. */
type Missing = Exclude<ClaimEvent["type"], (typeof events)[EventName]["type"]>;
const none: Missing[] = [];

/** The status that follows, and what is done. */
const table: Record<ClaimStatus, Record<EventName, string>> = {
  pending: {
    won: "held",
    finishing: "finishing",
    // The record isn't written: it can't tell.
    named: "doubted",
    own: "pending, act",
    anothers: "outdone, close",
    // Its producer isn't bound to it: it may run on by another claim.
    fenced: "outdone, close",
    closed: "closed",
  },
  doubted: {
    won: "held, look",
    finishing: "finishing",
    named: "doubted",
    own: "doubted, act",
    anothers: "outdone, close",
    fenced: "outdone, close",
    closed: "closed",
  },
  outdone: {
    won: "closed, tell",
    finishing: "outdone",
    named: "outdone",
    own: "outdone",
    anothers: "outdone",
    fenced: "outdone",
    // This close is that of being outdone: the producer is still to be told.
    closed: "outdone",
  },
  held: {
    won: "held",
    finishing: "finishing",
    named: "held, look",
    own: "held, act",
    anothers: "closed, tell and close",
    fenced: "closed, tell and close",
    closed: "closed",
  },
  finishing: {
    won: "finishing",
    finishing: "finishing",
    named: "finishing, look",
    own: "finishing, act",
    // Its end may be written already, and then isn't superseded at all: the write of it tells.
    anothers: "finishing",
    fenced: "closed, tell and close",
    closed: "closed",
  },
  closed: {
    won: "closed",
    finishing: "closed",
    named: "closed",
    own: "closed",
    anothers: "closed",
    fenced: "closed",
    closed: "closed",
  },
};

describe.each(Object.keys(table) as ClaimStatus[])("a claim that is %s", (status) => {
  test.each(Object.keys(events) as EventName[])("answers %s", (name) => {
    const { status: next, effect } = stepClaim(status, events[name]);
    expect([next, ...(effect ? [effect] : [])].join(", ")).toBe(table[status][name]);
  });
});

test("a producer is told once, in whatever order the fence and the claim's answer come", () => {
  const told = (order: readonly EventName[]): number => {
    let status: ClaimStatus = "pending";
    let count = 0;
    for (const name of order) {
      const step = stepClaim(status, events[name]);
      status = step.status;
      if (step.effect?.startsWith("tell")) count += 1;
    }
    return count;
  };
  expect(told(["fenced", "closed", "won", "fenced"])).toBe(1);
  expect(told(["won", "fenced", "closed", "fenced"])).toBe(1);
  expect(told(["named", "won", "anothers", "closed", "anothers"])).toBe(1);
  // Closed by the caller: there is nothing to tell.
  expect(told(["closed", "won", "fenced"])).toBe(0);
  expect(none).toEqual([]);
});
