// When to connect again and when to give up, as a total function of a state and an event. No I/O, no time.
//
//   reading ──cut──▶ waiting ──wake──▶ connecting ──opened──▶ reading
//      │                ▲                  │  │
//      │                └───────cut────────┘  └──refused──▶ over
//      └──ended, cut too often──▶ over

import type { ResumableFetchErrorCode } from "./error.ts";

/**
 * How a stream ended, as its server told. The body closes where it is done or stopped, and errors where it failed or was
 * lost.
 */
export type End = "done" | "stopped" | "failed" | "lost";

export interface ReconnectState {
  readonly phase: "reading" | "waiting" | "connecting" | "over";
  /** Connections since the last progress that brought nothing. */
  readonly attempts: number;
}

export type ReconnectEvent =
  /** Something of the stream came, or a heartbeat did. */
  | { type: "progress" }
  /** The connection, or the attempt at one, broke, went silent, or closed without saying that the stream has ended. */
  | { type: "cut" }
  /** The wait is over; or the network is back, or the page is looked at again: then, if it `isQuiet`, a connection may be dead. */
  | { type: "wake"; isQuiet: boolean }
  | { type: "opened" }
  /** No further attempt can help. */
  | { type: "refused"; code: ResumableFetchErrorCode }
  /** The server said how the stream ended. */
  | { type: "ended"; end: End }
  /** The reader left, or its signal aborted. */
  | { type: "left" };

/** Each begins by letting go of the connection, if there is one. */
export type ReconnectEffect =
  /** Wake up after the delay of this attempt, counted from 0. */
  | { type: "wait"; attempt: number }
  | { type: "connect" }
  /** End the body: well, or with an error of this code. */
  | { type: "finish"; code?: ResumableFetchErrorCode | undefined };

export interface ReconnectStep {
  readonly state: ReconnectState;
  /** Absent where nothing is to be done. */
  readonly effect?: ReconnectEffect;
}

export function stepReconnect(
  state: ReconnectState,
  event: ReconnectEvent,
  maxAttempts: number,
): ReconnectStep {
  const { phase, attempts } = state;
  const goTo = (next: ReconnectState["phase"], effect: ReconnectEffect): ReconnectStep => ({
    state: { phase: next, attempts },
    effect,
  });
  if (phase === "over") return { state };
  switch (event.type) {
    case "progress":
      return { state: { phase, attempts: phase === "reading" ? 0 : attempts } };
    case "cut":
      if (phase === "waiting") return { state };
      if (attempts >= maxAttempts) return goTo("over", { type: "finish", code: "UNREACHABLE" });
      return {
        state: { phase: "waiting", attempts: attempts + 1 },
        effect: { type: "wait", attempt: attempts },
      };
    case "wake":
      return phase === "waiting" || event.isQuiet ? goTo("connecting", { type: "connect" }) : { state };
    case "opened":
      return { state: { phase: phase === "connecting" ? "reading" : phase, attempts } };
    case "refused":
      return goTo("over", { type: "finish", code: event.code });
    case "ended":
      return goTo("over", { type: "finish", code: CODES[event.end] });
    case "left":
      return goTo("over", { type: "finish" });
  }
}

/** Absent where the body ends well. */
const CODES: Partial<Record<End, ResumableFetchErrorCode>> = {
  failed: "SOURCE_FAILED",
  lost: "PRODUCER_LOST",
};

/** What an answer to an attempt means. `streamStatus`: the header of that name. */
export function judge(status: number, streamStatus: string | null): ReconnectEvent {
  if (status === 200) return { type: "opened" };
  // Those without our header answer 410 where the stream ended badly, and 204 or 422 where it is done.
  if (status === 410) return { type: "ended", end: streamStatus === "failed" ? "failed" : "lost" };
  if (streamStatus === "absent") return { type: "ended", end: "lost" };
  if (status === 204 || status === 422) return { type: "refused", code: "MISSED_END" };
  const mayPass = status >= 500 || status === 408 || status === 429;
  return mayPass ? { type: "cut" } : { type: "refused", code: "REFUSED" };
}
