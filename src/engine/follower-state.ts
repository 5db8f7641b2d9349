// What a follower decides, as a total function of its state and an event. No I/O, no time.
//
// One rule: a page that starts at or before `next` gives its new suffix; whatever else happens (a page after `next`, silence,
// a reconnect, room in a full queue) is answered by a read from `next`. While it is in flight, and more is known to exist
// beyond it, further ones ask for that, so that the way there and back isn't waited for at every page.
//
//   following ──(page to the end, or nothing left to read)──▶ ended
//
// How it ends is decided here as well: cleanly or with an error.

import { cutBeforePair } from "../lib/text.ts";
import type { EndKind, Page, RecordedEnd } from "../port/transport.ts";

export interface FollowerState {
  readonly status: "following" | "ended";
  /** The producer followed; absent until its record or a reply has named it. */
  readonly epoch: number | undefined;
  /** Offset of the next character to hand over. */
  readonly next: number;
  /** Whether this follower is bound to its epoch: it has handed text over, was asked for a text of one epoch alone, or has told which it is. */
  readonly isBound: boolean;
  /** Code units handed over that the reader hasn't taken yet. */
  readonly queued: number;
  readonly maxQueued: number;
  /** The most that one read asks for. As many are in flight as fit the queue. */
  readonly pageUnits: number;
  /** The highest offset known to exist, so that a read is worth its while. */
  readonly knownTail: number;
  /** The highest tail that live pages have reported since the last read was sent. That read's answer settles all before it. */
  readonly reportedTail: number;
  /** How many reads are in flight. */
  readonly reads: number;
  /** Offset up to which the reads in flight ask. */
  readonly askedTo: number;
  /** Where `next` stood when the one read in flight was sent; absent if there were others, whose order isn't known. */
  readonly sentAt: number | undefined;
  /** Something may have been missed since the read in flight was sent. */
  readonly isStale: boolean;
  /** The text outlives its producer. */
  readonly keepsText: boolean;
  /** A read was answered. */
  readonly isAnswered: boolean;
  /** The stream had failed before this follower came: it gets the text that is kept, and that is its end. */
  readonly isDraining: boolean;
  /** The end and its offset; absent until known. */
  readonly end: { readonly kind: EndKind; readonly offset: number } | undefined;
}

export type FollowerEvent =
  /** Text came, as the answer to a read or live. */
  | { type: "page"; page: Page; isReply: boolean }
  /** The stream's record names this producer. */
  | { type: "named"; epoch: number }
  /** A read that named this producer, or none, learned that there is nothing to read any more. `last`: what ended last there. */
  | { type: "gone"; epoch: number | undefined; last?: RecordedEnd | undefined }
  /** A read got no answer. */
  | { type: "unanswered" }
  /** The reader was told which text this is: it must not become another one any more. */
  | { type: "shown" }
  | { type: "missed" }
  /** It listens, and what comes after its first read won't be missed. */
  | { type: "attached" }
  | { type: "silence" }
  | { type: "taken"; units: number };

export type FollowerEffect =
  | { type: "deliver"; text: string }
  | { type: "read"; from: number; maxUnits: number; epoch: number | undefined }
  /** `isClean`: the reader has all there is to have, and its stream closes. */
  | { type: "end"; kind: EndKind; isClean: boolean };

export interface FollowerStep {
  readonly state: FollowerState;
  readonly effects: readonly FollowerEffect[];
}

export function initialFollowerState(
  options: Pick<FollowerState, "maxQueued" | "pageUnits" | "keepsText"> & { from: number; isBound?: boolean },
): FollowerState {
  return {
    status: "following",
    epoch: undefined,
    next: options.from,
    isBound: options.isBound ?? false,
    queued: 0,
    maxQueued: options.maxQueued,
    pageUnits: options.pageUnits,
    knownTail: options.from,
    reportedTail: 0,
    reads: 0,
    askedTo: options.from,
    sentAt: undefined,
    isStale: false,
    keepsText: options.keepsText,
    isAnswered: false,
    isDraining: false,
    end: undefined,
  };
}

/** A step in the making: its state is a copy, for the functions below to change. */
interface Draft {
  readonly state: { -readonly [Field in keyof FollowerState]: FollowerState[Field] };
  readonly effects: FollowerEffect[];
}

export function stepFollower(state: FollowerState, event: FollowerEvent): FollowerStep {
  // One copy a step: it costs more than all that is decided here, 0.3 µs and several of them while the code is cold.
  const draft: Draft = { state: { ...state }, effects: [] };
  // After the end only the queue still empties.
  if (event.type === "taken") draft.state.queued -= event.units;
  if (state.status === "following") decide(draft, event);
  // A producer that was back before its text was drained was only away: it is followed like any other.
  if (draft.state.end === undefined) draft.state.isDraining = false;
  return draft;
}

function decide(draft: Draft, event: FollowerEvent): void {
  const { state } = draft;
  switch (event.type) {
    case "page":
      if (event.isReply) {
        answered(state);
        firstAnswer(state, event.page.end);
      }
      return receive(draft, event.page, event.isReply ? "reply" : "live");
    case "named":
      state.epoch = Math.max(event.epoch, state.epoch ?? 0);
      return;
    case "gone":
      answered(state);
      firstAnswer(state, undefined);
      // It was asked about a producer that isn't followed any more: as good as no answer.
      return event.epoch === state.epoch ? finish(draft, endWithout(state, event.last)) : readIfBehind(draft);
    case "unanswered":
      return answered(state);
    case "shown":
      state.isBound ||= state.epoch !== undefined;
      return;
    case "missed":
      if (state.reads === 0) return read(draft);
      state.isStale = true;
      return;
    case "attached":
    case "silence":
      return read(draft);
    case "taken":
      return readIfBehind(draft);
  }
}

function receive(draft: Draft, page: Page, via: "reply" | "live"): void {
  const { state } = draft;
  if (state.epoch !== undefined && page.epoch !== state.epoch) {
    // A superseded producer that doesn't know yet: nothing it says counts. Its answer is as good as none.
    if (page.epoch < state.epoch) return readIfBehind(draft);
    // Anybody can write to a live channel: a read tells whether that producer is true.
    if (via === "live") return read(draft);
    if (state.isBound) return finish(draft, "lost");
  }
  state.knownTail = Math.max(state.knownTail, page.tail);
  if (via === "live") {
    state.reportedTail = Math.max(state.reportedTail, page.tail);
    // It may be of a producer that a read would have ranked lower: only a reply chooses the epoch.
    if (state.epoch === undefined) return;
  }
  if (isDoubtful(state, page, via)) state.isStale = true;
  else state.end = endAfter(state, page);
  state.epoch = page.epoch;
  deliver(draft, page);
}

/**
 * Whether a page that calls the producer lost, before the place where this follower is, may be older than the text it has.
 * The answer of a read that nothing has overtaken isn't: then that text was never kept, and no more will come.
 */
function isDoubtful(
  { isBound, next, reads, sentAt }: FollowerState,
  page: Page,
  via: "reply" | "live",
): boolean {
  if (page.end !== "lost" || !isBound || page.tail >= next) return false;
  return via === "live" || reads > 0 || sentAt !== next;
}

function endAfter({ end, epoch }: FollowerState, page: Page): FollowerState["end"] {
  // How another producer's text ended says nothing of this one's.
  const knownEnd = page.epoch === epoch ? end : undefined;
  // Lost is what its silence looks like, until it writes again: what it wrote since tells that it lives.
  const isBack = knownEnd?.kind === "lost" && page.end === undefined && page.tail > knownEnd.offset;
  if (page.end === undefined) return isBack ? undefined : knownEnd;
  return { kind: page.end, offset: page.tail };
}

/** How it ends for one that gets no more: if all it lacks is to be told, it ends as its text did. */
function endWithout({ epoch, next }: FollowerState, last: RecordedEnd | undefined): EndKind {
  return last !== undefined && last.epoch === epoch && next >= last.tail ? last.end : "lost";
}

/** A read is over. The tail that was reported before is forgotten, and only what came since counts: a false claim costs one read. */
function answered(state: Draft["state"]): void {
  state.reads = Math.max(state.reads - 1, 0);
  state.knownTail = state.reportedTail;
}

/** The first answer tells what the stream was when this follower came. */
function firstAnswer(state: Draft["state"], end: EndKind | undefined): void {
  if (state.isAnswered) return;
  state.isAnswered = true;
  state.isDraining = state.keepsText && (end === "failed" || end === "lost");
}

function deliver(draft: Draft, page: Page): void {
  const { state, effects } = draft;
  const skip = state.next - page.from;
  const room = state.maxQueued - state.queued;
  // A page from beyond `next` leaves a hole: it only tells how far the stream has come.
  if (skip >= 0 && skip < page.text.length && room > 0) {
    const text = page.text.slice(skip, cutBeforePair(page.text, skip, skip + room));
    state.next += text.length;
    state.queued += text.length;
    state.isBound = true;
    effects.push({ type: "deliver", text });
  }
  readIfBehind(draft);
}

function readIfBehind(draft: Draft): void {
  const { state } = draft;
  if (state.end !== undefined && state.next >= state.end.offset) return finish(draft, state.end.kind);
  for (;;) {
    const from = state.reads > 0 ? Math.max(state.askedTo, state.next) : state.next;
    const isBehind = from < state.knownTail || (state.isStale && state.reads === 0);
    // Reading for a sliver of room would cost a round trip for every piece the reader takes.
    if (!isBehind || roomFrom(state, from) < state.pageUnits) return;
    ask(draft, from);
  }
}

function read(draft: Draft): void {
  const { state } = draft;
  if (state.reads === 0 && roomFrom(state, state.next) > 0) ask(draft, state.next);
}

/** How much a read from `from` may ask for, beside the text that is queued and on its way. */
function roomFrom(state: FollowerState, from: number): number {
  return state.maxQueued - state.queued - (from - state.next);
}

function ask({ state, effects }: Draft, from: number): void {
  const maxUnits = Math.min(roomFrom(state, from), state.pageUnits);
  state.sentAt = state.reads === 0 ? state.next : undefined;
  state.reads += 1;
  state.askedTo = from + maxUnits;
  state.isStale = false;
  state.reportedTail = 0;
  effects.push({ type: "read", from, maxUnits, epoch: state.epoch });
}

function finish({ state, effects }: Draft, kind: EndKind): void {
  state.status = "ended";
  // Draining, its end is that of what is kept, unless a newer producer took that away before all of it was read.
  const hasDrained = state.isDraining && state.end !== undefined && state.next >= state.end.offset;
  effects.push({ type: "end", kind, isClean: kind === "done" || kind === "stopped" || hasDrained });
}
