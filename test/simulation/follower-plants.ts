// Bugs planted in what a follower decides.

import { type FollowerEffect, stepFollower } from "../../src/engine/follower-state.ts";
import type { EndKind } from "../../src/port/transport.ts";
import type { Plant } from "./participant.ts";
import type { PlantedBug } from "./planted-bug.ts";

type FollowerEvent = Parameters<typeof stepFollower>[1];
type FollowerPage = Extract<FollowerEvent, { type: "page" }>;

/** A follower that takes a page for something else than it is. */
function misread(
  read: (event: FollowerPage, state: Parameters<typeof stepFollower>[0]) => FollowerPage,
): Plant {
  return {
    stepFollower: (state, event) => stepFollower(state, event.type === "page" ? read(event, state) : event),
  };
}

function endAs(kind: EndKind): FollowerEffect {
  return { type: "end", kind, isClean: kind === "done" || kind === "stopped" };
}

export const FOLLOWER_PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "a follower skips the check for gaps",
    breaks: ["G1"],
    plant: misread((event, { next }) =>
      event.page.from > next ? { ...event, page: { ...event.page, from: next } } : event,
    ),
  },
  {
    name: "a follower delivers a suffix twice",
    breaks: ["G1"],
    plant: misread((event, { next }) =>
      event.page.from < next ? { ...event, page: { ...event.page, from: next } } : event,
    ),
  },
  {
    name: "a follower takes a failed end for a clean one",
    breaks: ["G1"],
    plant: misread((event) =>
      event.page.end === "failed" ? { ...event, page: { ...event.page, end: "done" } } : event,
    ),
  },
  {
    name: "a follower ends with the end's page, whatever it still misses",
    breaks: ["G1"],
    plant: {
      stepFollower: (state, event) => {
        const step = stepFollower(state, event);
        if (step.state.status === "ended" || event.type !== "page" || event.page.end === undefined)
          return step;
        const end = endAs(event.page.end);
        return { state: { ...step.state, status: "ended" }, effects: [...step.effects, end] };
      },
    },
  },
  {
    name: "a follower forgets its epoch",
    breaks: ["G1"],
    plant: { stepFollower: (state, event) => stepFollower({ ...state, epoch: undefined }, event) },
  },
  {
    name: "a follower keeps the end of another epoch",
    breaks: ["G1", "G4", "G6"],
    from: 3_000,
    plant: {
      stepFollower: (state, event) => {
        const step = stepFollower(state, event);
        const { end, epoch } = state;
        if (!end || step.state.end || step.state.epoch === epoch) return step;
        const kept = { ...step.state, end };
        if (kept.status === "ended" || kept.next < end.offset) return { ...step, state: kept };
        const told = endAs(end.kind);
        return { state: { ...kept, status: "ended" }, effects: [...step.effects, told] };
      },
    },
  },
  {
    name: "a follower accepts pages of a lower epoch",
    breaks: ["G1", "G6"],
    from: 1_300,
    plant: misread((event, { epoch = 0 }) =>
      event.page.epoch < epoch ? { ...event, page: { ...event.page, epoch } } : event,
    ),
  },
  {
    name: "a follower ignores that something was missed, and silence",
    breaks: ["G7"],
    plant: {
      stepFollower: (state, event) =>
        event.type === "missed" || event.type === "silence"
          ? { state, effects: [] }
          : stepFollower(state, event),
    },
  },
  {
    name: "a follower's queue has no bound",
    breaks: ["G9"],
    plant: {
      stepFollower: (state, event) => stepFollower({ ...state, maxQueued: Number.MAX_SAFE_INTEGER }, event),
    },
  },
];
