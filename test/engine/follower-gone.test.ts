// What a follower makes of a stream that is done, and of whose text that was.

import { expect, test } from "vitest";
import { type FollowerState, initialFollowerState, stepFollower } from "../../src/engine/follower-state.ts";
import type { RecordedEnd } from "../../src/port/transport.ts";

const fresh = initialFollowerState({ from: 0, maxQueued: 32, pageUnits: 4, keepsText: false });
const bound: FollowerState = { ...fresh, epoch: 5, next: 3, isBound: true, reads: 1, askedTo: 7 };
const stopped: RecordedEnd = { epoch: 5, tail: 3, end: "stopped" };

test.each<[string, RecordedEnd | undefined, string]>([
  ["its own text, which it has whole", stopped, "stopped"],
  ["its own text, which it has whole, and which was done", { ...stopped, end: "done" }, "done"],
  ["its own text, of which it lacks the last character", { ...stopped, tail: 4 }, "lost"],
  ["another text of the same length", { ...stopped, epoch: 6 }, "lost"],
  ["nobody knows which", undefined, "lost"],
])("where what ended last is %s its end is as it says (G4, G6)", (_, last, kind) => {
  const { effects } = stepFollower(bound, { type: "gone", epoch: 5, last });
  expect(effects).toEqual([{ type: "end", kind, isClean: kind !== "lost" }]);
});

test("what is told of a producer that isn't followed ends nothing", () => {
  expect(stepFollower(bound, { type: "gone", epoch: 4, last: stopped }).effects).toEqual([]);
});

test("the end of a superseded producer's text ends no follower of its successor", () => {
  const ended = { epoch: 5, from: 1, text: "", tail: 1, end: "done" } as const;
  const successor = { epoch: 6, from: 0, text: "a", tail: 1 };
  let state = stepFollower(fresh, { type: "named", epoch: 5 }).state;
  state = stepFollower(state, { type: "silence" }).state;
  state = stepFollower(state, { type: "page", page: ended, isReply: false }).state;
  const step = stepFollower(state, { type: "page", page: successor, isReply: true });
  expect(step.effects).toEqual([{ type: "deliver", text: "a" }]);
});
