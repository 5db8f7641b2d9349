// A lapsed lease looks like a death: what a follower makes of a producer that writes again.

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

describe("a producer that was lost and writes again", () => {
  const draining: FollowerState = {
    ...fresh,
    epoch: 5,
    next: 3,
    isBound: true,
    knownTail: 5,
    reads: 2,
    askedTo: 7,
    end: { kind: "lost", offset: 5 },
  };
  const answer = (changes: Partial<Page>): FollowerEvent => ({
    type: "page",
    isReply: true,
    page: { epoch: 5, from: 3, text: "", tail: 5, ...changes },
  });

  test("is followed on, beyond where it seemed to have ended", () => {
    const { state, effects } = stepFollower(draining, answer({ text: "abcd", tail: 20 }));
    expect(inShort(effects)).toEqual(["+abcd", "?7/4", "?11/4", "?15/4", "?19/4"]);
    expect(state.end).toBeUndefined();
  });

  test("isn't lost again by an answer that was on its way", () => {
    const { state } = stepFollower(draining, answer({ text: "abcd", tail: 20 }));
    expect(stepFollower(state, answer({ text: "", tail: 5, end: "lost" })).state.status).toBe("following");
  });

  test("is lost where it wrote nothing more", () => {
    const { effects } = stepFollower(draining, answer({ text: "ab", tail: 5, end: "lost" }));
    expect(inShort(effects)).toEqual(["+ab", "!lost"]);
  });

  test("is lost to a follower that starts beyond its text", () => {
    const beyond: FollowerState = { ...fresh, next: 90, reads: 1, askedTo: 94 };
    const { effects } = stepFollower(beyond, answer({ from: 90, text: "", tail: 5, end: "lost" }));
    expect(inShort(effects)).toEqual(["!lost"]);
  });

  test("is lost to one that has more of its text than was kept, by the answer that nothing overtook", () => {
    // It named its generation, so that it is bound before any text has come.
    const asking: FollowerState = { ...fresh, next: 9, isBound: true, epoch: 5 };
    const sent = stepFollower(asking, { type: "silence" });
    expect(inShort(sent.effects)).toEqual(["?9/4"]);
    const lost = answer({ from: 9, text: "", tail: 5, end: "lost" });
    expect(inShort(stepFollower(sent.state, lost).effects)).toEqual(["!lost"]);
  });

  test("is asked once more if that answer may be older than the text", () => {
    const lost = answer({ from: 9, text: "", tail: 5, end: "lost" });
    const overtaken: FollowerState = {
      ...fresh,
      next: 9,
      isBound: true,
      epoch: 5,
      reads: 1,
      sentAt: 7,
      askedTo: 11,
    };
    const again = stepFollower(overtaken, lost);
    expect(inShort(again.effects)).toEqual(["?9/4"]);
    expect(inShort(stepFollower(again.state, lost).effects)).toEqual(["!lost"]);
    const heard = stepFollower({ ...overtaken, reads: 0 }, { ...lost, isReply: false } as FollowerEvent);
    expect(inShort(heard.effects)).toEqual(["?9/4"]);
  });
});

describe("a stream that had failed before its follower came, and whose text is kept", () => {
  const reading: FollowerState = { ...fresh, keepsText: true, reads: 1, askedTo: 4 };
  const answer = (changes: Partial<Page>): FollowerEvent => ({
    type: "page",
    isReply: true,
    page: { epoch: 5, from: 0, text: "", tail: 6, ...changes },
  });

  test("ends cleanly after its text (G6)", () => {
    const first = stepFollower(reading, answer({ text: "abcd", end: "failed" }));
    expect(inShort(first.effects)).toEqual(["+abcd", "?4/4"]);
    expect(first.state.isDraining).toBe(true);
    const second = stepFollower(first.state, answer({ from: 4, text: "ef", end: "failed" }));
    expect(inShort(second.effects)).toEqual(["+ef", ".failed"]);
  });

  test("is an error to one that was there before it failed", () => {
    const before = stepFollower(reading, answer({ text: "abcd", tail: 4 }));
    const { effects } = stepFollower(before.state, answer({ from: 4, text: "ef", end: "failed" }));
    expect(inShort(effects)).toEqual(["+ef", "!failed"]);
  });

  test("is an error where its text was taken away before all of it was read", () => {
    const first = stepFollower(reading, answer({ text: "abcd", end: "failed" }));
    const { effects } = stepFollower(first.state, { type: "gone", epoch: 5 });
    expect(inShort(effects)).toEqual(["!lost"]);
  });

  test("is followed like any other if its producer was only away", () => {
    const first = stepFollower(reading, answer({ text: "abcd", end: "lost" }));
    const back = stepFollower(first.state, answer({ from: 4, text: "efgh", tail: 8 }));
    expect(back.state.isDraining).toBe(false);
    const { effects } = stepFollower(back.state, answer({ from: 8, tail: 8, end: "failed" }));
    expect(inShort(effects)).toEqual(["!failed"]);
  });
});

/** Effects in short: `+text` delivered, `?from/max` read, `.end` clean, `!end` an error. */
function inShort(effects: readonly FollowerEffect[]): string[] {
  return effects.map((effect) => {
    switch (effect.type) {
      case "deliver":
        return `+${effect.text}`;
      case "read":
        return `?${effect.from}/${effect.maxUnits}`;
      case "end":
        return `${effect.isClean ? "." : "!"}${effect.kind}`;
    }
  });
}
