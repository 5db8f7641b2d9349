// What a follower decides, as a total function of its state and an event. No I/O, no time.
//
// One rule: a page that starts at or before `next` gives its new suffix; whatever else happens (a page after `next`, silence,
// a reconnect, room in a full queue) is answered by one read from `next`.
//
//   following ──(page to the end, or nothing left to read)──▶ ended

import { cutBeforePair } from "../lib/text.ts";
import type { EndKind, Page } from "../transports/transport.ts";

export interface FollowerState {
  readonly status: "following" | "ended";
  /** The producer followed; absent until its record or a reply has named it. */
  readonly epoch: number | undefined;
  /** Offset of the next character to hand over. */
  readonly next: number;
  /** Whether any text was handed over, which binds this follower to its epoch. */
  readonly isBound: boolean;
  /** Code units handed over that the reader hasn't taken yet. */
  readonly queued: number;
  readonly maxQueued: number;
  /** The highest offset known to exist, so that a read is worth its while. */
  readonly knownTail: number;
  readonly isReading: boolean;
  /** Something may have been missed since the read in flight was sent. */
  readonly isStale: boolean;
  /** The end and its offset; absent until known. */
  readonly end: { readonly kind: EndKind; readonly offset: number } | undefined;
}

export type FollowerEvent =
  /** Text came, as the answer to a read or live. */
  | { type: "page"; page: Page; isReply: boolean }
  /** The stream's record names this producer. */
  | { type: "named"; epoch: number }
  /** A read learned that there is nothing to read any more. */
  | { type: "gone" }
  /** A read got no answer. */
  | { type: "unanswered" }
  | { type: "missed" }
  | { type: "silence" }
  | { type: "taken"; units: number };

export type FollowerEffect =
  | { type: "deliver"; text: string }
  | { type: "read"; from: number; maxUnits: number; epoch: number | undefined }
  | { type: "end"; kind: EndKind };

export interface FollowerStep {
  readonly state: FollowerState;
  readonly effects: readonly FollowerEffect[];
}

export function initialFollowerState(options: { from: number; maxQueued: number }): FollowerState {
  return {
    status: "following",
    epoch: undefined,
    next: options.from,
    isBound: false,
    queued: 0,
    maxQueued: options.maxQueued,
    knownTail: options.from,
    isReading: false,
    isStale: false,
    end: undefined,
  };
}

export function stepFollower(state: FollowerState, event: FollowerEvent): FollowerStep {
  if (state.status === "ended") return { state: settle(state, event), effects: [] };
  switch (event.type) {
    case "page":
      return event.isReply
        ? receive({ ...state, isReading: false }, event.page, "reply")
        : receive(state, event.page, "live");
    case "named":
      return { state: { ...state, epoch: Math.max(event.epoch, state.epoch ?? 0) }, effects: [] };
    case "gone":
      return ended({ ...state, isReading: false }, "lost");
    case "unanswered":
      return { state: { ...state, isReading: false }, effects: [] };
    case "missed":
      return state.isReading ? { state: { ...state, isStale: true }, effects: [] } : read(state);
    case "silence":
      return read(state);
    case "taken":
      return readIfBehind({ ...state, queued: state.queued - event.units });
  }
}

/** After the end only the queue still empties. */
function settle(state: FollowerState, event: FollowerEvent): FollowerState {
  return event.type === "taken" ? { ...state, queued: state.queued - event.units } : state;
}

function receive(state: FollowerState, page: Page, via: "reply" | "live"): FollowerStep {
  if (state.epoch !== undefined && page.epoch !== state.epoch) {
    // A superseded producer that doesn't know yet: nothing it says counts. Its answer is as good as none.
    if (page.epoch < state.epoch) return readIfBehind(state);
    // Anybody can write to a live channel: a read tells whether that producer is true.
    if (via === "live") return read(state);
    if (state.isBound) return ended(state, "lost");
  }
  // A live page may be of a producer that a read would have ranked lower: only a reply chooses the epoch.
  const known = Math.max(state.knownTail, page.tail, page.from + page.text.length);
  if (via === "live" && state.epoch === undefined)
    return { state: { ...state, knownTail: known }, effects: [] };
  const end = page.end === undefined ? state.end : { kind: page.end, offset: page.tail };
  return deliver({ ...state, epoch: page.epoch, knownTail: known, end }, page);
}

function deliver(state: FollowerState, page: Page): FollowerStep {
  const skip = state.next - page.from;
  const room = state.maxQueued - state.queued;
  // A page from beyond `next` leaves a hole: it only tells how far the stream has come.
  if (skip < 0 || skip >= page.text.length || room <= 0) return readIfBehind(state);
  const text = page.text.slice(skip, cutBeforePair(page.text, skip, skip + room));
  const next = state.next + text.length;
  const step = readIfBehind({ ...state, next, queued: state.queued + text.length, isBound: true });
  return { state: step.state, effects: [{ type: "deliver", text }, ...step.effects] };
}

function readIfBehind(state: FollowerState): FollowerStep {
  if (state.end !== undefined && state.next >= state.end.offset) return ended(state, state.end.kind);
  if (state.isReading || (state.next >= state.knownTail && !state.isStale)) return { state, effects: [] };
  // Reading for a sliver of room would cost a round trip for every piece the reader takes.
  if (state.maxQueued - state.queued < state.maxQueued / 4) return { state, effects: [] };
  return read(state);
}

function read(state: FollowerState): FollowerStep {
  const room = state.maxQueued - state.queued;
  if (state.isReading || room <= 0) return { state, effects: [] };
  return {
    // What is known of the tail is forgotten: the answer tells, and a false claim about it costs one read.
    state: { ...state, isReading: true, isStale: false, knownTail: state.next },
    effects: [{ type: "read", from: state.next, maxUnits: room, epoch: state.epoch }],
  };
}

function ended(state: FollowerState, kind: EndKind): FollowerStep {
  return { state: { ...state, status: "ended" }, effects: [{ type: "end", kind }] };
}
