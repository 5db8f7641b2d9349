// Every state × event of the follower, as a table the compiler keeps complete, and its one rule as a property.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type FollowerEffect,
  type FollowerEvent,
  type FollowerState,
  initialFollowerState,
  stepFollower,
} from "../../src/engine/follower-state.ts";
import type { Page } from "../../src/port/transport.ts";

const fresh = initialFollowerState({ from: 0, maxQueued: 32, pageUnits: 4, keepsText: false });
const bound: FollowerState = { ...fresh, epoch: 5, next: 3, isBound: true, knownTail: 3 };

const states = {
  attaching: { ...fresh, reads: 1, askedTo: 4 },
  idle: bound,
  reading: { ...bound, reads: 1, askedTo: 7 },
  full: { ...bound, queued: 32 },
  behind: { ...bound, queued: 32, knownTail: 20 },
  ending: { ...bound, queued: 32, knownTail: 6, end: { kind: "done", offset: 6 } },
  ended: { ...bound, status: "ended" },
} satisfies Record<string, FollowerState>;

const page = (changes: Partial<Page>): Page => ({ epoch: 5, from: 3, text: "abc", tail: 6, ...changes });

const events = {
  live: { type: "page", isReply: false, page: page({}) },
  reply: { type: "page", isReply: true, page: page({}) },
  old: { type: "page", isReply: false, page: page({ from: 0, tail: 3 }) },
  gap: { type: "page", isReply: false, page: page({ from: 5, text: "xy", tail: 7 }) },
  lastLive: { type: "page", isReply: false, page: page({ end: "done" }) },
  failedReply: { type: "page", isReply: true, page: page({ text: "", tail: 3, end: "failed" }) },
  olderEpoch: { type: "page", isReply: true, page: page({ epoch: 4 }) },
  newerLive: { type: "page", isReply: false, page: page({ epoch: 6 }) },
  newerReply: { type: "page", isReply: true, page: page({ epoch: 6 }) },
  named: { type: "named", epoch: 5 },
  gone: { type: "gone", epoch: 5 },
  goneUnnamed: { type: "gone", epoch: undefined },
  unanswered: { type: "unanswered" },
  missed: { type: "missed" },
  attached: { type: "attached" },
  silence: { type: "silence" },
  taken: { type: "taken", units: 4 },
} satisfies Record<string, FollowerEvent>;

/** Effects in short: `+text` delivered, `?from/max` read, `.end` clean, `!end` an error. */
const table: Record<keyof typeof states, Record<keyof typeof events, string>> = {
  attaching: {
    live: "", // no epoch is known yet: only a reply names it
    reply: "?0/4 ?4/4", // from offset 3, but nothing of 0 to 3 came
    old: "",
    gap: "",
    lastLive: "",
    failedReply: "?0/4",
    olderEpoch: "?0/4 ?4/4",
    newerLive: "",
    newerReply: "?0/4 ?4/4",
    named: "",
    gone: "", // it was asked about a producer that is not followed
    goneUnnamed: "!lost",
    unanswered: "",
    missed: "",
    attached: "",
    silence: "",
    taken: "",
  },
  idle: {
    live: "+abc",
    reply: "+abc",
    old: "",
    gap: "?3/4",
    lastLive: "+abc .done",
    failedReply: "!failed",
    olderEpoch: "",
    newerLive: "?3/4",
    newerReply: "!lost",
    named: "",
    gone: "!lost",
    goneUnnamed: "",
    unanswered: "",
    missed: "?3/4",
    attached: "?3/4",
    silence: "?3/4",
    taken: "",
  },
  reading: {
    live: "+abc",
    reply: "+abc",
    old: "",
    gap: "",
    lastLive: "+abc .done",
    failedReply: "!failed",
    olderEpoch: "",
    newerLive: "",
    newerReply: "!lost",
    named: "",
    gone: "!lost",
    goneUnnamed: "",
    unanswered: "",
    missed: "",
    attached: "",
    silence: "",
    taken: "",
  },
  full: {
    live: "",
    reply: "",
    old: "",
    gap: "",
    lastLive: "",
    failedReply: "!failed",
    olderEpoch: "",
    newerLive: "",
    newerReply: "!lost",
    named: "",
    gone: "!lost",
    goneUnnamed: "",
    unanswered: "",
    missed: "",
    attached: "",
    silence: "",
    taken: "",
  },
  behind: {
    live: "",
    reply: "",
    old: "",
    gap: "",
    lastLive: "",
    failedReply: "!failed",
    olderEpoch: "",
    newerLive: "",
    newerReply: "!lost",
    named: "",
    gone: "!lost",
    goneUnnamed: "",
    unanswered: "",
    missed: "",
    attached: "",
    silence: "",
    taken: "?3/4",
  },
  ending: {
    live: "",
    reply: "",
    old: "",
    gap: "",
    lastLive: "",
    failedReply: "!failed",
    olderEpoch: "",
    newerLive: "",
    newerReply: "!lost",
    named: "",
    gone: "!lost",
    goneUnnamed: "",
    unanswered: "",
    missed: "",
    attached: "",
    silence: "",
    taken: "?3/4",
  },
  ended: {
    live: "",
    reply: "",
    old: "",
    gap: "",
    lastLive: "",
    failedReply: "",
    olderEpoch: "",
    newerLive: "",
    newerReply: "",
    named: "",
    gone: "",
    goneUnnamed: "",
    unanswered: "",
    missed: "",
    attached: "",
    silence: "",
    taken: "",
  },
};

function inShort(effect: FollowerEffect): string {
  switch (effect.type) {
    case "deliver":
      return `+${effect.text}`;
    case "read":
      return `?${effect.from}/${effect.maxUnits}`;
    case "end":
      return `${effect.isClean ? "." : "!"}${effect.kind}`;
  }
}

describe.each(Object.entries(states))("a follower that is %s", (stateName, state) => {
  test.each(Object.entries(events))("answers %s", (eventName, event) => {
    const row = table[stateName as keyof typeof states];
    const { effects } = stepFollower(state, event);
    expect(effects.map(inShort).join(" ")).toBe(row[eventName as keyof typeof events]);
  });
});

test("a missed message noticed while a read is in flight is read again after it", () => {
  const reading = stepFollower({ ...bound, reads: 1, askedTo: 7 }, { type: "missed" });
  const answered = stepFollower(reading.state, {
    type: "page",
    isReply: true,
    page: page({ text: "", tail: 3 }),
  });
  expect(answered.effects).toEqual([{ type: "read", from: 3, maxUnits: 4, epoch: 5 }]);
});

test("what is known to exist beyond a read in flight is asked for meanwhile, as far as there is room", () => {
  const reply = page({ from: 3, text: "ab", tail: 100 });
  const first = stepFollower(
    { ...bound, reads: 1, askedTo: 5 },
    { type: "page", isReply: true, page: reply },
  );
  expect(first.effects.map(inShort)).toEqual([
    "+ab",
    ...[5, 9, 13, 17, 21, 25, 29].map((from) => `?${from}/4`),
  ]);
  // The second answer comes first: it is no use, and asked for again once nothing is in flight.
  const second = stepFollower(first.state, {
    type: "page",
    isReply: true,
    page: page({ from: 9, text: "gh", tail: 100 }),
  });
  expect(second.state.next).toBe(5);
  expect(second.effects).toEqual([]);
});

test("a false claim about the tail costs one read", () => {
  const claimed = stepFollower(bound, { type: "page", isReply: false, page: page({ from: 9, tail: 9_000 }) });
  const asked = [3, 7, 11, 15, 19, 23, 27, 31];
  expect(claimed.effects.map(inShort)).toEqual(asked.map((from) => `?${from}/4`));
  let { state } = claimed;
  for (const from of asked) {
    const answer = page({ from, text: "", tail: 3 });
    const step = stepFollower(state, { type: "page", isReply: true, page: answer });
    expect(step.effects).toEqual([]);
    state = step.state;
  }
  expect(state.reads).toBe(0);
});

test("a follower never splits a surrogate pair for lack of room", () => {
  const { state, effects } = stepFollower(
    { ...bound, queued: 30 },
    { type: "page", isReply: false, page: page({ text: "a😀", tail: 6 }) },
  );
  expect(effects).toEqual([{ type: "deliver", text: "a" }]);
  expect(state.next).toBe(4);
});

test("whatever arrives in whatever order, the text is delivered once, in order, without a hole", () => {
  const text = "The quick brown fox jumps over the lazy dog.";
  const anyPage = fc
    .tuple(fc.nat(text.length), fc.nat(12), fc.boolean(), fc.boolean())
    .map(([from, length, isReply, hasEnd]): FollowerEvent => {
      const piece = text.slice(from, from + length);
      const isLast = from + piece.length === text.length;
      const made: Page = { epoch: 5, from, text: piece, tail: text.length };
      if (hasEnd && isLast) made.end = "done";
      return { type: "page", page: made, isReply };
    });
  const anyEvent = fc.oneof(
    { weight: 8, arbitrary: anyPage },
    fc.constantFrom<FollowerEvent>({ type: "missed" }, { type: "silence" }, { type: "unanswered" }),
  );
  fc.assert(
    fc.property(fc.nat(10), fc.array(anyEvent, { maxLength: 60 }), (start, arriving) => {
      let state = initialFollowerState({ from: start, maxQueued: 16, pageUnits: 4, keepsText: false });
      let received = "";
      let mostQueued = 0;
      const endedAt: number[] = [];
      for (const event of arriving) {
        const step = stepFollower(state, event);
        state = step.state;
        mostQueued = Math.max(mostQueued, state.queued);
        for (const effect of step.effects) {
          if (effect.type === "end") endedAt.push(start + received.length);
          if (effect.type !== "deliver") continue;
          received += effect.text;
          state = stepFollower(state, { type: "taken", units: effect.text.length }).state;
        }
        expect(text.slice(start).startsWith(received)).toBe(true);
      }
      expect(mostQueued).toBeLessThanOrEqual(16);
      expect(endedAt.every((offset) => offset === text.length)).toBe(true);
      expect(endedAt.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 2_000 },
  );
});
