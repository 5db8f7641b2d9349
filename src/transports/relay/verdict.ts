// When a silent producer is dead, as a total function of a state and an event. No I/O, no time of its own.
//
//   calm ──waited──▶ looking ──looked──▶ suspected ──waited, its time is over──▶ accused ──looked──▶ condemned
//    ▲                                    │ │    ▲                                  │                   │
//    │   waited: done, and asked again    │ └waited┘                       looked: done, free   released: free
//    │   nobody has received it           │ ask, prove                               │                   │
//    │                                    └──▶ over ◀───────────────────────────────┴───────────────────┘
//    └──────────────────── accused or condemned, and another claim has the stream ──────────────────────┘
//
// Silence is proof only while our own connections work: a message to ourselves has come back since, and none was lost.

import type { ReadResult } from "../../port/transport.ts";
import type { ClaimedRecord, StatusRecord } from "./record.ts";

/** After our own connection came back a producer's needs longer: clients wait up to five seconds between attempts. */
const RECONNECT_GRACE = 3;

/** In `ackTimeoutMs`, how long a process is waited for that answers others: it lives, and is behind with its work. */
const BUSY_PATIENCE = 5;

/** A producer's last answer: which one's, and when it came. */
export interface Answered {
  epoch: number;
  at: number;
  /** When the context that gave it last answered anything, of whatever stream; absent if it isn't known. */
  contextAt?: number | undefined;
}

/** All moments are the process's own, in milliseconds. */
export interface VerdictState {
  readonly status: "calm" | "looking" | "suspected" | "accused" | "condemned" | "over";
  /** Since when an answer is waited for. */
  readonly since: number;
  /** When a message to ourselves came back, which proves our own connections; absent until then. */
  readonly provenAt?: number | undefined;
  /** When our own connection was last back after a loss; absent if it never was lost. */
  readonly reconnectedAt?: number | undefined;
  /** How many received the last request; absent if the server doesn't tell. */
  readonly receivers?: number | undefined;
  /** When the record was looked up for it first; absent while `calm`. */
  readonly suspectedAt?: number | undefined;
  /** The record as it was then; absent until the answer. */
  readonly suspect?: StatusRecord | undefined;
}

export type VerdictEvent =
  /** A request was sent. `receivers` is absent if the server doesn't tell. */
  | { type: "sent"; receivers: number | undefined }
  /** A message couldn't be sent. */
  | { type: "unsent" }
  /** A message to ourselves came back. */
  | { type: "proven" }
  /** The subscriber's connection was lost, and is back. */
  | { type: "reconnected" }
  /** This process was held up, and perhaps its producer with it. */
  | { type: "held-up" }
  /** The time that was given to the request is over. `answered` is what the process last heard of the stream's producer. */
  | { type: "waited"; answered: Answered | undefined }
  /** The record was read. */
  | { type: "looked"; record: StatusRecord; answered: Answered | undefined }
  /** The condemned claim's record as it is now: free, by us or by another who asked, or claimed anew. */
  | { type: "released"; record: StatusRecord };

export type VerdictEffect =
  /** Send the request, again, and wait; with `isProving` a message to ourselves beside it. */
  | { type: "ask"; isProving: boolean }
  /** Look at the record. */
  | { type: "look" }
  /** Fence the claim, then free its record if it still says the same. */
  | { type: "condemn"; record: ClaimedRecord }
  /** Our own connections don't work. */
  | { type: "give-up" }
  | { type: "tell"; result: Exclude<ReadResult, { status: "page" }> };

export interface VerdictLimits {
  ackTimeoutMs: number;
  /** The producer asked; absent if any will do. */
  epoch: number | undefined;
}

export interface VerdictStep {
  readonly state: VerdictState;
  /** Absent if what is under way goes on. */
  readonly effect?: VerdictEffect;
}

export function stepVerdict(
  state: VerdictState,
  event: VerdictEvent,
  now: number,
  limits: VerdictLimits,
): VerdictStep {
  if (state.status === "over") return { state };
  switch (event.type) {
    case "sent":
      return { state: { ...state, receivers: event.receivers } };
    case "unsent":
      return { state: { ...state, provenAt: undefined } };
    case "proven":
      return { state: { ...state, provenAt: state.provenAt ?? now } };
    case "reconnected":
      return { state: { ...state, provenAt: undefined, reconnectedAt: now } };
    case "held-up":
      return { state: { ...state, provenAt: undefined, since: now } };
    case "waited":
      return waited(state, event.answered, now, limits);
    case "looked":
      return looked(state, event, now, limits);
    case "released":
      if (state.status !== "condemned") return { state };
      // Another who asked may have been first: that verdict is ours, and no reason to wait all over again.
      return event.record.status === "free" || isSuperseded(event.record, limits)
        ? tell(state, "lost")
        : calmed(state);
  }
}

function waited(
  state: VerdictState,
  answered: Answered | undefined,
  now: number,
  limits: VerdictLimits,
): VerdictStep {
  const { ackTimeoutMs } = limits;
  switch (state.status) {
    case "calm":
      return { state: { ...state, status: "looking", suspectedAt: now }, effect: { type: "look" } };
    case "suspected": {
      if (hasLeft(state, answered, now, ackTimeoutMs)) return tell(state, "done");
      const dueAt = dueTime(state, answered, limits);
      if (dueAt === undefined) {
        const isHopeless = now - state.since >= 2 * ackTimeoutMs;
        return isHopeless
          ? { state: { ...state, status: "over" }, effect: { type: "give-up" } }
          : { state, effect: { type: "ask", isProving: true } };
      }
      if (now < dueAt) return { state, effect: { type: "ask", isProving: false } };
      return { state: { ...state, status: "accused" }, effect: { type: "look" } };
    }
    case "looking":
    case "accused":
    case "condemned":
    case "over":
      return { state };
  }
}

function looked(
  state: VerdictState,
  { record, answered }: Extract<VerdictEvent, { type: "looked" }>,
  now: number,
  limits: VerdictLimits,
): VerdictStep {
  switch (state.status) {
    case "looking": {
      // Who received the question counts from here on: its producer may have subscribed, and ended, since it was sent.
      const suspected = { ...state, status: "suspected", suspect: record, receivers: undefined } as const;
      return waited(suspected, answered, now, limits);
    }
    case "accused": {
      if (record.status === "done") return tell(state, "done");
      if (record.status === "free") return tell(state, "absent");
      const { suspect } = state;
      if (isSuperseded(record, limits)) return tell(state, "lost");
      // Another producer has the stream by now: it gets its own time to answer.
      if (suspect?.status !== "claimed" || record.raw !== suspect.raw) return calmed(state);
      // The one that was asked is gone. Its silence says nothing of the one that has the stream now.
      const isAsked = limits.epoch === undefined || record.epoch === 0 || record.epoch === limits.epoch;
      if (!isAsked) return tell(state, "lost");
      // Something was heard, or our connection was lost, while the record was looked up.
      const dueAt = dueTime(state, answered, limits);
      if (dueAt === undefined || now < dueAt) return calmed(state);
      return { state: { ...state, status: "condemned" }, effect: { type: "condemn", record } };
    }
    case "calm":
    case "suspected":
    case "condemned":
    case "over":
      return { state };
  }
}

/** Whether the one that was asked has a successor, for which nobody who reads the older text has to wait. */
function isSuperseded(record: StatusRecord, { epoch }: VerdictLimits): boolean {
  return epoch !== undefined && record.status === "claimed" && record.epoch > epoch;
}

/**
 * Whether a stream is known to be done by its record, and by nobody receiving what its producer is asked. A missing record is no
 * such proof: a restarted server may have lost it while the producer lives. Nor is a record that says done, once the producer was
 * heard, or shortly after our own connection was away: a producer stays for those who follow it, and its connection may be the one that is away.
 */
function hasLeft(
  { receivers, reconnectedAt, suspect }: VerdictState,
  answered: Answered | undefined,
  now: number,
  ackTimeoutMs: number,
): boolean {
  if (receivers !== 0 || suspect?.status !== "done" || answered !== undefined) return false;
  return now >= graceEnd(reconnectedAt, ackTimeoutMs);
}

function graceEnd(reconnectedAt: number | undefined, ackTimeoutMs: number): number {
  return reconnectedAt === undefined ? 0 : reconnectedAt + RECONNECT_GRACE * ackTimeoutMs;
}

/** When silence becomes proof of death; undefined while our own connections aren't proven to work. */
function dueTime(
  { provenAt, reconnectedAt, suspect, suspectedAt }: VerdictState,
  answered: Answered | undefined,
  { ackTimeoutMs, epoch }: VerdictLimits,
): number | undefined {
  if (provenAt === undefined || suspectedAt === undefined) return undefined;
  const suspected = suspect?.status === "claimed" ? suspect.epoch : epoch;
  const sign = answered?.epoch === suspected ? answered : undefined;
  const busyUntil = Math.min(sign?.contextAt ?? 0, suspectedAt + (BUSY_PATIENCE - 1) * ackTimeoutMs);
  const heardAt = Math.max(provenAt, suspectedAt, sign?.at ?? 0, busyUntil);
  return Math.max(heardAt + ackTimeoutMs, graceEnd(reconnectedAt, ackTimeoutMs));
}

function calmed(state: VerdictState): VerdictStep {
  return {
    state: { ...state, status: "calm", suspect: undefined, suspectedAt: undefined },
    effect: { type: "ask", isProving: false },
  };
}

function tell(state: VerdictState, status: "done" | "absent" | "lost"): VerdictStep {
  return { state: { ...state, status: "over" }, effect: { type: "tell", result: { status } } };
}
