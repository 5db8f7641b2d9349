// What users of every entry see: the context, its options, and the streams' ends.

import type { ResumableStreamError } from "./errors.ts";
import type { Publisher, Subscriber } from "../transports/relay/ports.ts";
import type { EndKind } from "../transports/transport.ts";

export type { EndKind } from "../transports/transport.ts";

/** What `makeStream` is told about the stream it makes. */
export interface MakeStreamContext {
  streamId: string;
  /** Aborted when the stream is stopped, or when nobody can read it any more. Never because a reader left. */
  signal: AbortSignal;
}

/** Makes the source. Called by exactly one of all concurrent callers; the others follow. */
export type MakeStream = (
  context: MakeStreamContext,
) => ReadableStream<string> | Promise<ReadableStream<string>>;

/** Something that happened, for metrics. Carries ids and offsets, never text. */
export type StreamEvent =
  | { type: "producing"; streamId: string }
  | { type: "following"; streamId: string; offset: number }
  | { type: "ended"; streamId: string; role: "producer" | "follower"; end: EndKind; offset: number };

/** Options that every kind of context takes. All durations are milliseconds. */
export interface CommonOptions {
  /**
   * Keeps the process alive until a promise settles: Next.js' `after`, Vercel's `waitUntil`, or the like. `null` on a
   * server that isn't suspended between requests. Each promise it is given settles on every path, and never rejects.
   */
  waitUntil: ((promise: Promise<unknown>) => void) | null;
  /** Goes before every key, so that several apps can share a server. @defaultValue "resumable-stream" */
  keyPrefix?: string;
  /** How long a stream's record outlives its start and its end, in seconds. @defaultValue 86400 (24 h) */
  retentionSeconds?: number;
  /** How long a silent producer has to answer before it counts as dead. @defaultValue 2000 */
  ackTimeoutMs?: number;
  /** How long a follower hears nothing before it asks again. @defaultValue 3000 */
  livenessMs?: number;
  /** How long a claim may take before `whenUnavailable` decides. @defaultValue 3000 */
  claimTimeoutMs?: number;
  /**
   * How long an ended producer stays for followers that make no progress. Longer than `livenessMs`, so that a follower
   * that missed the end has time to ask for it. @defaultValue 5000
   */
  lingerMs?: number;
  /**
   * What a caller that would produce gets when the backend can't be reached: its text, not resumable (`"stream"`), or
   * an error (`"throw"`). A caller that named an offset always gets `TRANSPORT_UNAVAILABLE`, because a fresh text would
   * not continue its own. @defaultValue "stream"
   */
  whenUnavailable?: "stream" | "throw";
  /** Told of trouble that has no caller to reject. Never text. @defaultValue console.error */
  onError?: (error: ResumableStreamError) => void;
  /** Told what happens to streams, for metrics. Never text. */
  onEvent?: (event: StreamEvent) => void;
  /** Accepted for compatibility and unused: a follower here learns the end from its producer. */
  doneWatchdogIntervalMs?: number;
}

/** Options of a context over Redis. */
export interface CreateResumableStreamContextOptions extends CommonOptions {
  /**
   * A client to subscribe with: node-redis 4, 5 or 6, ioredis 5 or 6, or any object with `subscribe` and `unsubscribe`.
   * Connected or not yet; never closed by us. @defaultValue made from REDIS_URL or KV_URL on first use
   */
  subscriber?: Omit<Subscriber, "connect"> | RedisClient;
  /**
   * A client to publish with: node-redis 4, 5 or 6, ioredis 5 or 6, or any object with `publish`, `set`, `get` and
   * `incr`. Connected or not yet; never closed by us. @defaultValue made from REDIS_URL or KV_URL on first use
   */
  publisher?: Omit<Publisher, "connect"> | RedisClient;
}

/** An ioredis instance, by the one method that tells it from other clients. */
export interface RedisClient {
  defineCommand: (...args: never[]) => unknown;
}

/** Which stream to stop, and why. */
export interface StopOptions {
  /** Given to the source as the reason of its cancellation and to `signal`. */
  reason?: string;
}

/** Creates, follows and ends streams. Ids are names, not credentials: check who may read before you ask. */
export interface ResumableStreamContext {
  /**
   * Produces the stream, or follows it where it already runs.
   *
   * @param skipCharacters - where to start following, in UTF-16 code units (`String.length`). A caller that becomes the
   *   producer gets the whole text. @defaultValue 0
   * @returns `null` where the stream is done.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE` (see `whenUnavailable`), `CLOSED`; `PRODUCER_LOST` where one
   *   producer after the other died while the call waited
   */
  resumableStream: (
    streamId: string,
    makeStream: MakeStream,
    skipCharacters?: number,
  ) => Promise<ReadableStream<string> | null>;
  /**
   * Produces the stream without asking whether it exists; a stream of that id that still runs is superseded.
   *
   * @param skipCharacters - accepted for compatibility and unused: a new stream starts at 0.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE` (see `whenUnavailable`), `CLOSED`
   */
  createNewResumableStream: (
    streamId: string,
    makeStream: MakeStream,
    skipCharacters?: number,
  ) => Promise<ReadableStream<string> | null>;
  /**
   * Follows a stream that runs.
   *
   * @param skipCharacters - where to start, in UTF-16 code units. Past the tail: waits for live text. @defaultValue 0
   * @returns `null` where the stream is done, `undefined` where there is none.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `CLOSED`
   */
  resumeExistingStream: (
    streamId: string,
    skipCharacters?: number,
  ) => Promise<ReadableStream<string> | null | undefined>;
  /**
   * @returns `null` where there is no stream, `true` where one runs, `"DONE"` where it has ended.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `CLOSED`
   */
  hasExistingStream: (streamId: string) => Promise<null | true | "DONE">;
  /**
   * Stops a stream from any process: its source is cancelled, its readers get the text so far and a clean end, and its
   * id is done.
   *
   * @returns whether a running stream was stopped.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `CLOSED`
   */
  stopStream: (streamId: string, options?: StopOptions) => Promise<boolean>;
  /**
   * Ends what runs here and closes the clients this context made. Sources are cancelled and their ids set free;
   * readers and followers error with `CLOSED`. Settles within seconds, and may be called again.
   */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * A context over a store that keeps the text: a stream outlives its producer. Where that ended badly or died,
 * `resumeExistingStream` gives the text that is left and ends cleanly; so does `resumableStream` with `skipCharacters`
 * given, 0 included; without it, the text is discarded and the stream starts anew.
 */
export interface DurableStreamContext extends Omit<ResumableStreamContext, "hasExistingStream"> {
  /**
   * @returns `null` where there is no stream, `true` where one runs, `"DONE"` where it has ended, `"failed"` where its
   *   producer ended badly or died, and its text is left.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `SCHEMA_MISSING`, `CLOSED`
   */
  hasExistingStream: (streamId: string) => Promise<null | true | "DONE" | "failed">;
}
