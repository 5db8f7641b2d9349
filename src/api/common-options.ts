// The options that every entry's context takes, and the events that one of them is told.

import type { ResumableStreamError } from "../port/errors.ts";
import type { EndKind } from "../port/transport.ts";
import type { OnEnd } from "./on-end.ts";

/**
 * Something that happened in this context, for metrics. Carries ids and offsets, never text. Offsets are UTF-16 code units
 * since the stream's start.
 *
 * - `producing`: a call became the producer, also un-resumably.
 * - `following`: a call follows from `offset`.
 * - `ended`, `role: "producer"`: the source ended. `end` says how, `offset` how much text it gave.
 * - `ended`, `role: "follower"`: a follower learned the end. `offset` is how far it had come.
 *
 * A follower that leaves, or that ends with `TRANSPORT_UNAVAILABLE`, has no `ended`.
 *
 * @example
 * const streams = createResumableStreamContext({
 *   waitUntil: null,
 *   onEvent: (event) => {
 *     if (event.type === "ended" && event.end === "lost") lostStreams.inc();
 *   },
 * });
 */
export type StreamEvent =
  | { type: "producing"; streamId: string }
  | { type: "following"; streamId: string; offset: number }
  | { type: "ended"; streamId: string; role: "producer" | "follower"; end: EndKind; offset: number };

/** Options that every kind of context takes. Durations are milliseconds above 0; `retentionSeconds` is in seconds. */
export interface CommonOptions {
  /**
   * Keeps the process alive until a promise settles: Next.js' `after`, Vercel's `waitUntil`, or the like. `null` on a
   * server that isn't suspended between requests. Each promise it is given settles on every path, and never rejects.
   */
  waitUntil: ((promise: Promise<unknown>) => void) | null;
  /**
   * Goes before every key, so that several apps can share a server. All processes that share streams need the same.
   * @defaultValue "resumable-stream"
   */
  keyPrefix?: string;
  /**
   * How long a stream's record outlives its start and its end, in seconds, rounded up to whole ones. Renewed while the stream
   * runs. @defaultValue 86400 (24 h)
   */
  retentionSeconds?: number;
  /**
   * How long a silent producer has to answer before it counts as dead; also the deadline of each call to the server but a
   * claim. Not used over a log (Postgres, or Redis with `keepText`). @defaultValue 2000
   */
  ackTimeoutMs?: number;
  /**
   * How long a follower hears nothing before it asks again. Over Postgres at least 12500, since one check for all followers of a
   * process looks sooner. @defaultValue 3000
   */
  livenessMs?: number;
  /** How long a claim may take before `whenUnavailable` decides. Over a log it bounds every request. @defaultValue 3000 */
  claimTimeoutMs?: number;
  /**
   * How long an ended producer stays for followers that make no progress. Longer than `livenessMs`, so that a follower
   * that missed the end has time to ask for it. Not used over a log. @defaultValue 5000
   */
  lingerMs?: number;
  /**
   * What a caller that would produce gets when the backend can't be reached: its text, not resumable (`"stream"`), or
   * an error (`"throw"`). A caller that named an offset always gets `TRANSPORT_UNAVAILABLE`, because a fresh text would
   * not continue its own. @defaultValue "stream"
   */
  whenUnavailable?: "stream" | "throw";
  /** Told of trouble that has no caller to reject. Never text. @defaultValue prints the message by `console.error` */
  onError?: (error: ResumableStreamError) => void;
  /** Told what happens to streams, for metrics. Never text. @defaultValue none */
  onEvent?: (event: StreamEvent) => void;
  /**
   * Given each stream that has ended, by exactly one process: with its whole text, however it ended, and over a store that
   * keeps text also if the producer died. Awaited before the stream counts as ended: a page that reloads finds the stream
   * running, or the answer saved. Called again under the same `generation` only if it failed, or its process died in it.
   * @defaultValue none
   */
  onEnd?: OnEnd;
  /** How long a stream waits for `onEnd` before it ends without. @defaultValue 10000 */
  onEndTimeoutMs?: number;
  /**
   * How long a source may give nothing before it counts as hung: its stream fails then, and its `signal` is aborted. Five
   * minutes (300000) suit most models. @defaultValue none
   */
  sourceIdleMs?: number;
  /**
   * The most that a source may give, in bytes of UTF-8. One that gives more fails with `TEXT_TOO_LONG`, and its `signal` aborts: its
   * text up to there is what readers get, and what is kept. @defaultValue no limit
   */
  maxBytes?: number;
  /** Accepted for compatibility and unused: a follower here learns the end from its producer. */
  doneWatchdogIntervalMs?: number;
}
