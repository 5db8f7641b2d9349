// What a producer decides, as a total function of its state and an event. No I/O, no time.
//
//   record:  none ──claimed──▶ held ──(source ended, no append in flight)──▶ finishing ──finished──▶ settled
//              │                 └─────────────fenced──────────────▶ fenced
//              └── stays `none` if the backend could not be reached: the stream runs, but can't be resumed
//
//   end:     untold ──source ended──▶ waiting ──(written, fenced or overdue)──▶ told     (at once if nothing is to be written)
//
// If the app takes what has ended (`onEnd`), this comes between the source's end and `waiting`. Until it is over the stream
// runs for everybody, and its whole text is there:
//
//   handover: due ──(source ended)──▶ storing ──(last text taken, or overdue)──▶ running ──handed over──▶ over
//              └──────────────────────────────fenced───────────────────────────────▲

import type { EndKind } from "../port/transport.ts";

export interface ProducerState {
  /** What binds this producer to the backend. */
  readonly record: "none" | "held" | "finishing" | "settled" | "fenced";
  /** `running`, or how it ended. */
  readonly source: "running" | EndKind;
  /** Whether readers were given the end: not before the backend has it, or was given the time to take it. */
  readonly end: "untold" | "waiting" | "told";
  /** How far the text's way to the app is; `none` if the app doesn't want it. */
  readonly handover: "none" | "due" | "storing" | "running" | "over";
  readonly hasStarted: boolean;
  readonly primary: "attached" | "left";
  /** Offset after the last character produced, as far as the transport wants to know. */
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
  /** Its source begins. */
  | { type: "started" }
  /** Its source never begins: nothing is left to hand over. */
  | { type: "discarded" }
  | { type: "claimed" }
  /** There is text that the transport wants. */
  | { type: "produced"; tail: number }
  | { type: "watched"; isWatched: boolean; tail: number }
  | { type: "taken"; to: number }
  | { type: "appended" }
  | { type: "source-ended"; end: EndKind }
  | { type: "stop" }
  | { type: "primary-left" }
  | { type: "fenced" }
  /** The app has taken the text, or failed to. */
  | { type: "handed-over" }
  /** The backend tells everybody the end. */
  | { type: "written" }
  /** Text or end have waited long enough for a backend that is slow, or away. */
  | { type: "overdue" }
  | { type: "finished" };

export type ProducerEffect =
  /** Move what is unsent to the transport. */
  | "append"
  /** Write the end, and let go of the claim. */
  | "finish"
  /** The source has ended: what gathers for a later write goes out now. */
  | "hurry"
  /** Goes on soon, whatever the backend does: to hand the text over, or to give readers the end. */
  | "await-backend"
  /** The app gets the text. */
  | "hand-over"
  /** Gives readers the end. From here on callers are answered by the backend. */
  | "tell-end"
  /** Nobody wants what the source still has. */
  | "cancel-source"
  /** Followers of this process can't be given a superseded text; the owner is told. */
  | "drop-followers";

export interface ProducerStep {
  readonly state: ProducerState;
  readonly effects: readonly ProducerEffect[];
}

export function initialProducerState({
  keepsText,
  handsOver,
}: {
  keepsText: boolean;
  handsOver: boolean;
}): ProducerState {
  return {
    record: "none",
    source: "running",
    end: "untold",
    handover: handsOver ? "due" : "none",
    hasStarted: false,
    primary: "attached",
    tail: 0,
    sent: 0,
    isAppending: false,
    isWatched: false,
    keepsText,
  };
}

/** A step in the making: its state is a copy, for the functions below to change. */
interface Draft {
  readonly state: { -readonly [Field in keyof ProducerState]: ProducerState[Field] };
  readonly effects: ProducerEffect[];
}

export function stepProducer(state: ProducerState, event: ProducerEvent): ProducerStep {
  // One copy a step, as in follower-state: it costs more than what is decided.
  const draft: Draft = { state: { ...state }, effects: [] };
  decide(draft, event);
  if (draft.state.source !== "running" && draft.state.end !== "told") end(draft);
  return draft;
}

function decide(draft: Draft, event: ProducerEvent): void {
  const { state, effects } = draft;
  switch (event.type) {
    case "started":
      state.hasStarted = true;
      return;
    case "discarded":
      if (!state.hasStarted) state.handover = "none";
      return write(draft);
    case "claimed":
      if (state.record === "none") state.record = "held";
      return write(draft);
    case "produced":
      state.tail = event.tail;
      return write(draft);
    case "watched":
      state.tail = event.tail;
      // A follower that begins to watch reads up to the tail. A relay sends what comes after it.
      if (!state.keepsText && !state.isWatched) state.sent = state.tail;
      state.isWatched = event.isWatched;
      return write(draft);
    case "taken":
      state.sent = Math.max(state.sent, event.to);
      return;
    case "appended":
      state.isAppending = false;
      return write(draft);
    case "source-ended":
      if (state.source === "running") state.source = event.end;
      return write(draft);
    case "stop":
      if (state.source !== "running") return;
      state.source = "stopped";
      effects.push("cancel-source");
      return write(draft);
    case "primary-left":
      state.primary = "left";
      // Leaving never stops a source (G12), unless the stream was superseded: then this reader was the last who could read it.
      if (state.record === "fenced") abandon(draft);
      return;
    case "fenced":
      if (state.record === "fenced" || state.record === "settled") return;
      state.record = "fenced";
      effects.push("drop-followers");
      // For everybody else the stream is lost, with what it has by now. One that was superseded before it began has its reader.
      if (state.hasStarted && (state.handover === "due" || state.handover === "storing")) handOver(draft);
      // The primary reader's text doesn't depend on the backend (G2): it goes on to its end.
      if (state.primary === "left") abandon(draft);
      return;
    case "handed-over":
      if (state.handover !== "running") return;
      state.handover = "over";
      return write(draft);
    case "overdue":
      if (state.handover === "storing") return handOver(draft);
      if (state.end === "waiting") tell(draft);
      return;
    case "written":
      if (state.end === "waiting") tell(draft);
      return;
    case "finished":
      if (state.record === "finishing") state.record = "settled";
      return;
  }
}

/** Whether nothing is left to do for the backend. A source may still run on for its primary reader. */
export function isSettled(state: ProducerState): boolean {
  if (state.source === "running" || !isHandedOver(state)) return false;
  return state.record === "none" || state.record === "settled" || state.record === "fenced";
}

/** Whether the end may be written: the app has the text, or doesn't want it. */
export function isHandedOver({ handover }: Pick<ProducerState, "handover">): boolean {
  return handover === "none" || handover === "over";
}

/** The one rule of the writer: one append in flight, all that gathered in the next, and the end after the last. */
function write({ state, effects }: Draft): void {
  if (state.record !== "held" || state.isAppending) return;
  if (state.source !== "running" && isHandedOver(state)) {
    state.record = "finishing";
    effects.push("finish");
  } else if (isUnsent(state)) {
    state.isAppending = true;
    effects.push("append");
  }
}

/** Whether the transport is to have the text. While it isn't, chunks are none of its business, and need no step. */
export function isWanted({ isWatched, keepsText }: ProducerState): boolean {
  return keepsText || isWatched;
}

/** Whether there is text that the transport should have. */
function isUnsent(state: ProducerState): boolean {
  return isWanted(state) && state.sent < state.tail;
}

/** The end is written before it is told (G13), if there is a record to write it to; and handed over before it is written (G15). */
function end(draft: Draft): void {
  const { state } = draft;
  const isHeld = state.record === "held" || state.record === "finishing";
  // A page that comes while the app takes the text reads it from the backend.
  const isStored = !isHeld || !(state.isAppending || isUnsent(state));
  // Stopped before its caller has it: its claim, whose mark the app gets, is still on its way.
  if (state.handover === "due" && state.hasStarted) {
    state.handover = "storing";
    if (!isStored) awaitBackend(draft);
  }
  if (state.handover === "storing" && isStored) handOver(draft);
  if (!isHandedOver(state)) return;
  if (!isHeld) return tell(draft);
  if (state.end === "waiting") return;
  state.end = "waiting";
  awaitBackend(draft);
}

function awaitBackend({ state, effects }: Draft): void {
  if (state.isAppending) effects.push("hurry");
  effects.push("await-backend");
}

function handOver({ state, effects }: Draft): void {
  state.handover = "running";
  effects.push("hand-over");
}

function tell({ state, effects }: Draft): void {
  state.end = "told";
  // First of all: who is dropped in the same step has its end.
  effects.unshift("tell-end");
}

/** Nobody can read what the source of a superseded stream still gives. */
function abandon({ state, effects }: Draft): void {
  if (state.source !== "running") return;
  state.source = "lost";
  effects.push("cancel-source");
}
