// When to connect again and when to give up, as a total function of a state and an event. No I/O, no time.
//
// A connection that is silent is let go only when a new one has answered, and confirmed where it begins:
//
//   reads, next none ──stalled, wake──▶ reads, next asking ──opened──▶ reads, next none
//        │                                   │      ▲  │ judged: it has a while to bring what is on its way
//        │                            failed ▼      │ due
//        │                               reads, next waiting ──heard──▶ reads, next none
//       cut
//        ▼
//   next waiting ──due, wake──▶ next asking ──opened──▶ reads, next none
//        ▲                         │   │
//        └─────────failed──────────┘   └──judged──▶ over

import type { ResumableFetchErrorCode } from "./error.ts";

/**
 * How a stream ended, as its server told. The body closes when it is done or stopped, and errors when it failed or was
 * lost.
 */
export type EndKind = "done" | "stopped" | "failed" | "lost";

/** How a body ends: well without a code. The end is absent if it can't be known. */
export interface Verdict {
  readonly code?: ResumableFetchErrorCode | undefined;
  readonly end?: EndKind | undefined;
}

export interface ReconnectState {
  /** There is a connection that text may come from. */
  readonly reads: boolean;
  /** How far the search for another connection is. */
  readonly next: "none" | "waiting" | "asking" | "over";
  /** Attempts since the position last moved. */
  readonly attempts: number;
  /** The last connection closed as if its text were whole, which the server is asked to confirm. */
  readonly closed?: ServerKind | undefined;
  /** The server whose close the connection was opened to confirm; absent once it has brought more. */
  readonly confirms?: ServerKind | undefined;
  /** The server named the time of the next attempt: no hint brings it forward. */
  readonly isHeld?: boolean;
  /** The server's word on the end, while a connection was still open; absent once that connection has brought more. */
  readonly verdict?: Verdict | undefined;
}

/** `ours` says where its answers begin, so that its word is needed for an end. */
export type ServerKind = "ours" | "other";

export type ReconnectEvent =
  /** Something came: a heartbeat, or text, by which the position `moved`. */
  | { type: "heard"; moved: boolean }
  /** The connection has been silent for longer than it may. */
  | { type: "stalled" }
  /**
   * The connection broke. It `served` if it was open for a while, and brought nothing that is lost with it. It `isMoved` if
   * its server said that the stream goes on elsewhere.
   */
  | { type: "cut"; served: boolean; isMoved?: boolean | undefined }
  /** The connection closed, without a word about the end. */
  | { type: "closed"; by: ServerKind }
  /** The wait is over. */
  | { type: "due" }
  /** The network is back, or the page is looked at again. If it `isQuiet` the connection may be dead. */
  | { type: "wake"; isQuiet: boolean }
  /** The attempt brought an answer that goes on with the text. `isBehind`: the connection there is has gone further. */
  | { type: "opened"; isBehind: boolean }
  /** The attempt brought nothing; a further one may, after the time that the server named. */
  | { type: "failed"; afterMs?: number | undefined }
  /** The attempt brought an answer after which no further one can help. If it `isProven`, no clean close outweighs it. */
  | { type: "judged"; verdict: Verdict; isProven?: boolean }
  /** The connection said how the stream ended, or the reader left. */
  | { type: "ended"; verdict: Verdict };

export type ReconnectEffect =
  /** For the delay of this attempt, counted from 0; and for as long as the server said. */
  | { type: "wait"; attempt: number; afterMs: number }
  | { type: "connect" }
  /** The new connection takes the old one's place. */
  | { type: "switch" }
  /** The connection has a short while to bring what is on its way. */
  | { type: "drain" }
  | { type: "finish"; verdict: Verdict };

export interface Limits {
  maxAttempts: number;
  /** The platform takes itself for offline: attempts are made all the same, and none is the last one. */
  isOffline: boolean;
}

export interface ReconnectStep {
  readonly state: ReconnectState;
  /** Absent if nothing is to be done. */
  readonly effect?: ReconnectEffect | undefined;
}

export function stepReconnect(
  state: ReconnectState,
  event: ReconnectEvent,
  { maxAttempts, isOffline }: Limits,
): ReconnectStep {
  const { reads, next, attempts, closed, verdict } = state;
  const to = (change: Partial<ReconnectState>, effect?: ReconnectEffect): ReconnectStep => ({
    state: { ...state, ...change },
    effect,
  });
  const finish = (how: Verdict): ReconnectStep =>
    to({ reads: false, next: "over" }, { type: "finish", verdict: how });
  const connect = (change?: Partial<ReconnectState>): ReconnectStep =>
    to({ next: "asking", verdict: undefined, ...change }, { type: "connect" });
  const wait = (change: Partial<ReconnectState>, afterMs = 0, made = attempts): ReconnectStep => {
    const attempt = isOffline ? Math.min(made, maxAttempts - 1) : made;
    return attempt < maxAttempts
      ? to(
          { next: "waiting", attempts: attempt + 1, isHeld: afterMs > 0, verdict: undefined, ...change },
          { type: "wait", attempt, afterMs },
        )
      : finish({ code: "UNREACHABLE" });
  };
  const isOf: Record<ReconnectEvent["type"], boolean> = {
    heard: reads,
    stalled: reads && (next === "none" || verdict !== undefined),
    cut: reads,
    closed: reads,
    due: next === "waiting",
    wake: true,
    opened: next === "asking",
    failed: next === "asking",
    judged: next === "asking",
    ended: true,
  };
  if (next === "over" || !isOf[event.type]) return { state };
  switch (event.type) {
    case "heard":
      return to({
        next: next === "waiting" ? "none" : next,
        verdict: undefined,
        ...(event.moved && { attempts: 0, closed: undefined, confirms: undefined }),
      });
    case "stalled":
      // Its server answered, and the network held: silence is no failure.
      return verdict ? finish(verdict) : connect({ attempts: 0 });
    case "cut":
      if (verdict) return finish(verdict);
      if (next !== "none") return to({ reads: false });
      // Servers that send a reader on to each other are asked like any others.
      if (event.isMoved && (event.served || attempts === 0)) return connect({ reads: false, attempts: 1 });
      return wait({ reads: false, confirms: undefined }, 0, event.served ? 0 : attempts);
    case "closed":
      // Asked again it had no more, and no word to say so.
      if (state.confirms && event.by === "other") return finish(ending("done"));
      if (attempts === 0) return connect({ reads: false, attempts: 1, closed: event.by });
      return wait({ reads: false, closed: event.by });
    case "due":
      return connect();
    case "wake":
      if (next === "waiting") return state.isHeld ? { state } : connect({ attempts: 0 });
      return event.isQuiet ? connect() : { state };
    case "opened":
      // The last that was on its way, or a sign of life? The connection is given a moment to show.
      return event.isBehind
        ? to({ next: "waiting", isHeld: false }, { type: "wait", attempt: attempts, afterMs: 0 })
        : to({ reads: true, next: "none", closed: undefined, confirms: closed }, { type: "switch" });
    case "failed":
      // The time between the close and a later answer can't be known.
      return wait({ closed: closed === "other" ? closed : undefined }, event.afterMs);
    case "judged":
      if (reads && event.verdict.code) {
        return to({ next: "none", verdict: event.verdict }, { type: "drain" });
      }
      // A server that knows nothing of resuming closed its text. That it can't say so again is no fault.
      return finish(
        closed === "other" && !event.verdict.end && !event.isProven ? ending("done") : event.verdict,
      );
    case "ended":
      // As when it is judged: events without our header tell only as they come that they aren't the rest.
      return finish(
        state.confirms === "other" && event.verdict.code === "NOT_RESUMED" ? ending("done") : event.verdict,
      );
  }
}

/** The verdict of an end that a server told. */
export function ending(end: EndKind): Verdict {
  const code = {
    done: undefined,
    stopped: undefined,
    failed: "SOURCE_FAILED",
    lost: "PRODUCER_LOST",
  } as const;
  return { end, code: code[end] };
}
