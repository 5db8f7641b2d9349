// What was seen of a stream, as the judge needs it. Times are milliseconds since the soak began.

import type { ErrorReport } from "../support/error-report.ts";
import type { ReadEnd } from "../support/reading.ts";
import type { SourceSpec } from "../support/source.ts";

export interface Span {
  from: number;
  /** Infinity while it lasts. */
  to: number;
}

/** Something that may excuse an error. */
export interface Disturbance extends Span {
  kind: "killed" | "frozen" | "cut" | "silent" | "server away" | "machine busy";
  /** Absent if it concerns all. */
  process?: string;
}

/** A source that a call brought with it. */
export interface Run {
  spec: SourceSpec & { chunks: number };
  process: string;
  /** Whether the call made it; unknown if its process died before it could be asked. */
  made: boolean | "unknown";
  /** The call that brought it, by its name in `legs`. */
  leg: string;
}

/** One call, and what was read by it. */
export interface Leg {
  name: string;
  process: string;
  call: "resumableStream" | "createNewResumableStream" | "resumeExistingStream";
  /** Where its text begins: where it asked to, or 0 if it produced. */
  offset: number;
  /** The leg whose generation its position named; absent without a mark. */
  continues?: string;
  calledAt: number;
  /** Infinity without an answer. */
  answeredAt: number;
  outcome: "stream" | "null" | "undefined" | "rejected" | "gone" | "no answer";
  /** Only of a rejected call. */
  error?: ErrorReport;
  text: string;
  /** Infinity while it reads. */
  endedAt: number;
  /** `gone` with its process; `open` if it never ended. */
  end: ReadEnd | { kind: "gone" } | { kind: "open" };
  longestWaitMs: number;
}

export interface Stop {
  process: string;
  calledAt: number;
  answeredAt: number;
  answer: boolean | "rejected" | "gone" | "no answer";
}

export interface StreamLog {
  streamId: string;
  runs: Run[];
  legs: Leg[];
  stops: Stop[];
}
