// What a follower decides, as a total function of its state and an event. No I/O, no time.
//
// One rule: a page that starts at or before `next` gives its new suffix; whatever else happens (a page after `next`, silence,
// a reconnect, room in a full queue) is answered by a read from `next`. While one is in flight, and more is known to exist
// beyond it, a second one asks for that, so that the way there and back isn't waited for at every page.
//
//   following ──(page to the end, or nothing left to read)──▶ ended

import { cutBeforePair } from "../lib/text.ts";
import type { EndKind, Page } from "../transports/transport.ts";

const MAX_READS = 2;

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
  /** The highest one that live pages have claimed since the last read was sent; its answer is the truth of all before. */
  readonly claimedTail: number;
  /** How many reads are in flight. */
  readonly reads: number;
  /** Offset up to which the reads in flight ask. */
  readonly asked: number;
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
    claimedTail: 0,
    reads: 0,
    asked: options.from,
    isStale: false,
    end: undefined,
  };
}

export function stepFollower(state: FollowerState, event: FollowerEvent): FollowerStep {
  if (state.status === "ended") return { state: settle(state, event), effects: [] };
  switch (event.type) {
    case "page":
      return event.isReply
        ? receive(answered(state), event.page, "reply")
        : receive(state, event.page, "live");
    case "named":
      return { state: { ...state, epoch: Math.max(event.epoch, state.epoch ?? 0) }, effects: [] };
    case "gone":
      return ended(answered(state), "lost");
    case "unanswered":
      return { state: answered(state), effects: [] };
    case "missed":
      return state.reads > 0 ? { state: { ...state, isStale: true }, effects: [] } : read(state);
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
  const known = knowing(state, page.tail, via);
  // A live page may be of a producer that a read would have ranked lower: only a reply chooses the epoch.
  if (via === "live" && state.epoch === undefined) return { state: known, effects: [] };
  const end = endAfter(state, page);
  return deliver({ ...known, epoch: page.epoch, end }, page);
}

function endAfter({ end, epoch, isBound, next }: FollowerState, page: Page): FollowerState["end"] {
  // How another producer's text ended says nothing of this one's.
  const knownEnd = page.epoch === epoch ? end : undefined;
  // Lost is what its silence looks like, until it writes again: what it wrote since tells that it lives.
  const isBack = knownEnd?.kind === "lost" && page.end === undefined && page.tail > knownEnd.offset;
  const isOutdated = page.end === "lost" && isBound && page.tail < next;
  if (page.end === undefined || isOutdated) return isBack ? undefined : knownEnd;
  return { kind: page.end, offset: page.tail };
}

/** A read is over. What is known of the tail is forgotten but for what came since: a false claim costs one read. */
function answered(state: FollowerState): FollowerState {
  return { ...state, reads: Math.max(state.reads - 1, 0), knownTail: state.claimedTail };
}

function knowing(state: FollowerState, tail: number, via: "reply" | "live"): FollowerState {
  const knownTail = Math.max(state.knownTail, tail);
  return via === "reply"
    ? { ...state, knownTail }
    : { ...state, knownTail, claimedTail: Math.max(state.claimedTail, tail) };
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
  const from = state.reads > 0 ? Math.max(state.asked, state.next) : state.next;
  const isBehind = from < state.knownTail || (state.isStale && state.reads === 0);
  if (!isBehind || state.reads >= MAX_READS) return { state, effects: [] };
  const room = roomFrom(state, from);
  // Reading for a sliver of room would cost a round trip for every piece the reader takes.
  if (room < state.maxQueued / 4) return { state, effects: [] };
  const first = ask(state, from, room);
  const second = readIfBehind(first.state);
  return { state: second.state, effects: [...first.effects, ...second.effects] };
}

function read(state: FollowerState): FollowerStep {
  const room = roomFrom(state, state.next);
  return state.reads > 0 || room <= 0 ? { state, effects: [] } : ask(state, state.next, room);
}

/** What a read from `from` may ask for, beside what is queued and on its way. */
function roomFrom(state: FollowerState, from: number): number {
  return state.maxQueued - state.queued - (from - state.next);
}

function ask(state: FollowerState, from: number, room: number): FollowerStep {
  const maxUnits = Math.min(room, Math.ceil(state.maxQueued / MAX_READS));
  return {
    state: { ...state, reads: state.reads + 1, asked: from + maxUnits, isStale: false, claimedTail: 0 },
    effects: [{ type: "read", from, maxUnits, epoch: state.epoch }],
  };
}

function ended(state: FollowerState, kind: EndKind): FollowerStep {
  return { state: { ...state, status: "ended" }, effects: [{ type: "end", kind }] };
}
