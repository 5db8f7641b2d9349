// What a producer decides, as a total function of its state and an event. No I/O, no time.
//
//   record:  none ──claimed──▶ held ──(source ended, no append in flight)──▶ finishing ──finished──▶ settled
//              │                 └─────────────fenced──────────────▶ fenced
//              └── stays `none` where the backend could not be reached: the stream runs, but can't be resumed

import type { EndKind } from "../transports/transport.ts";

export interface ProducerState {
  /** What binds this producer to the backend. */
  readonly record: "none" | "held" | "finishing" | "settled" | "fenced";
  /** `running`, or how it ended. */
  readonly source: "running" | EndKind;
  readonly primary: "attached" | "left";
  /** Offset after the last character produced. */
  readonly tail: number;
  /** Offset up to which the transport has taken the text. */
  readonly sent: number;
  /** An append is in flight. There is never a second one. */
  readonly isAppending: boolean;
  /** Somebody follows through the transport. */
  readonly isWatched: boolean;
  /** A log transport gets the text always, a relay only while it is watched. */
  readonly keepsText: boolean;
}

export type ProducerEvent =
  | { type: "claimed" }
  | { type: "produced"; tail: number }
  | { type: "watched"; isWatched: boolean }
  | { type: "taken"; to: number }
  | { type: "appended" }
  | { type: "source-ended"; end: EndKind }
  | { type: "stop" }
  | { type: "primary-left" }
  | { type: "fenced" }
  | { type: "finished" };

export type ProducerEffect =
  /** Move what is unsent to the transport. */
  | "append"
  /** Write the end, and let go of the claim. */
  | "finish"
  /** Nobody wants what the source still has. */
  | "cancel-source"
  /** Followers of this process can't be given a superseded text; the owner is told. */
  | "drop-followers";

export interface ProducerStep {
  readonly state: ProducerState;
  readonly effects: readonly ProducerEffect[];
}

export function initialProducerState(keepsText: boolean): ProducerState {
  return {
    record: "none",
    source: "running",
    primary: "attached",
    tail: 0,
    sent: 0,
    isAppending: false,
    isWatched: false,
    keepsText,
  };
}

export function stepProducer(state: ProducerState, event: ProducerEvent): ProducerStep {
  switch (event.type) {
    case "claimed":
      return state.record === "none" ? write({ ...state, record: "held" }) : unchanged(state);
    case "produced":
      return write({ ...state, tail: event.tail });
    case "watched":
      // Who begins to watch reads up to the tail; what a relay sends after that starts there.
      return write({
        ...state,
        isWatched: event.isWatched,
        sent: state.keepsText || state.isWatched ? state.sent : state.tail,
      });
    case "taken":
      return unchanged({ ...state, sent: Math.max(state.sent, event.to) });
    case "appended":
      return write({ ...state, isAppending: false });
    case "source-ended":
      return state.source === "running" ? write({ ...state, source: event.end }) : unchanged(state);
    case "stop":
      if (state.source !== "running") return unchanged(state);
      return prepend("cancel-source", write({ ...state, source: "stopped" }));
    case "primary-left":
      return leave(state);
    case "fenced":
      return fence(state);
    case "finished":
      return unchanged(state.record === "finishing" ? { ...state, record: "settled" } : state);
  }
}

/** Whether nothing is left to do for the backend. A source may still run on for its primary reader. */
export function isSettled(state: ProducerState): boolean {
  if (state.source === "running") return false;
  return state.record === "none" || state.record === "settled" || state.record === "fenced";
}

/** The one rule of the writer: one append in flight, all that gathered in the next, and the end after the last. */
function write(state: ProducerState): ProducerStep {
  if (state.record !== "held" || state.isAppending) return unchanged(state);
  if (state.source !== "running") return { state: { ...state, record: "finishing" }, effects: ["finish"] };
  const isWanted = state.keepsText || state.isWatched;
  if (!isWanted || state.sent >= state.tail) return unchanged(state);
  return { state: { ...state, isAppending: true }, effects: ["append"] };
}

function leave(state: ProducerState): ProducerStep {
  const next: ProducerState = { ...state, primary: "left" };
  // Leaving never stops a source (G12), unless the stream was superseded: then this reader was the last who could read it.
  if (state.record !== "fenced" || state.source !== "running") return unchanged(next);
  return { state: { ...next, source: "lost" }, effects: ["cancel-source"] };
}

function fence(state: ProducerState): ProducerStep {
  if (state.record === "fenced" || state.record === "settled") return unchanged(state);
  const next: ProducerState = { ...state, record: "fenced" };
  // The primary reader's text doesn't depend on the backend (G2): it goes on to its end.
  if (state.source !== "running" || state.primary === "attached") {
    return { state: next, effects: ["drop-followers"] };
  }
  return { state: { ...next, source: "lost" }, effects: ["drop-followers", "cancel-source"] };
}

function unchanged(state: ProducerState): ProducerStep {
  return { state, effects: [] };
}

function prepend(effect: ProducerEffect, step: ProducerStep): ProducerStep {
  return { state: step.state, effects: [effect, ...step.effects] };
}
