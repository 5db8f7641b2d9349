// What is known of a stream that a reader was given, beside its text: where it starts, what is old of it, and how it ended.

import { createDeferred, type Deferred } from "../lib/deferred.ts";
import { markOf } from "../lib/position.ts";
import { shared } from "../lib/shared.ts";
import type { EndKind } from "../port/transport.ts";

/** The text behind the streams of one producer, by offset. One object for all of them, so that readers can share what they make of it. */
export interface DirectText {
  /** At most `maxUnits` from offset `from`; empty if there is none yet. */
  read: (from: number, maxUnits: number) => { text: string };
  /** Absent while more may come. */
  readonly end: EndKind | undefined;
  /** Calls back once, when there is more, or an end. */
  onceMoved: (callback: () => void) => void;
  /** Takes that back. */
  forget: (callback: () => void) => void;
}

/** A reader in place of a stream's own. Reads the text itself, at its own pace, and says how far it came. */
export interface DirectReader {
  text: DirectText;
  /** Offset to start from. */
  from: number;
  /** Called at the text's end, at offset `at`. Gives the error that the stream would end with; undefined for a clean end. */
  end: (at: number) => Error | undefined;
  /** The reader left before the end. */
  leave: () => void;
  /** Set by whoever reads: told if the reader is ended before the text is. */
  onFailed: (error: Error) => void;
}

interface TrackedEnd {
  /** Offset of the first character. */
  from: number;
  /** The claim that the text is of; undefined while it isn't known, or if there is none. */
  epoch: () => number | undefined;
  /** How it had ended before this reader came; absent or undefined if it ran. */
  endBefore?: () => EndKind | undefined;
  /** Offset after the last character that there was when the stream was opened; undefined while it isn't known. */
  tail: () => number | undefined;
  /** Gives its reader up for one that reads the text; undefined if it was read from, or is over. Absent if the text isn't in this process. */
  takeOver?: () => DirectReader | undefined;
  ended: Deferred<EndKind | undefined>;
}

/** Called when a stream is opened. Returns what to call once it is over for its reader; only the first call counts. */
export function trackEnd(
  stream: ReadableStream<string>,
  known: Omit<TrackedEnd, "ended">,
): (end: EndKind | undefined) => void {
  const ended = createDeferred<EndKind | undefined>();
  trackedEnds().set(stream, { ...known, ended });
  return ended.resolve;
}

/** The offset of a stream's first character; undefined for a stream that no context gave. */
export function startOf(stream: ReadableStream<string>): number | undefined {
  return trackedEnds().get(stream)?.from;
}

/** How a stream had ended before its reader came; undefined if it ran, or no context gave it. */
export function endBeforeOf(stream: ReadableStream<string>): EndKind | undefined {
  return trackedEnds().get(stream)?.endBefore?.();
}

/** Where the text ended when a stream was opened; undefined if it isn't known, or no context gave the stream. */
export function tailOf(stream: ReadableStream<string>): number | undefined {
  return trackedEnds().get(stream)?.tail();
}

/**
 * Takes the reader of a stream that nobody has read from, and that gives nothing from then on. Undefined if the text isn't in
 * this process.
 */
export function takeOver(stream: ReadableStream<string>): DirectReader | undefined {
  return trackedEnds().get(stream)?.takeOver?.();
}

/**
 * Tells the claim that a stream's text is of: undefined while it isn't known. Keeps no stream alive. Absent if no context gave
 * the stream.
 */
export function epochsOf(stream: ReadableStream<string>): (() => number | undefined) | undefined {
  return trackedEnds().get(stream)?.epoch;
}

/**
 * The mark of the generation that a stream's text is of: what its readers name, beside an offset, when they come back.
 *
 * @param stream - a stream that a context gave, itself: not what it was piped through.
 * @returns undefined if nobody elsewhere can follow the stream, because the store could not be reached; or not yet, if
 *   the store is slow to answer.
 * @throws TypeError if no context gave this stream, as with one that was piped through another.
 * @example
 * const stream = await context.resumeExistingStream("chat-1");
 * const mark = stream ? generationOf(stream) : undefined; // For a header of yours: stream-generation.
 */
export function generationOf(stream: ReadableStream<string>): string | undefined {
  const tracked = trackedEnds().get(stream);
  if (!tracked) throw new TypeError("stream must be one that a context returned, got another.");
  const epoch = tracked.epoch();
  return epoch === undefined || epoch < 0 ? undefined : markOf(epoch);
}

/**
 * How a stream of a context ended, which its clean close alone doesn't tell: `"done"` and `"stopped"` close it, `"failed"`
 * and `"lost"` error it. Known at the latest when the stream has closed or errored.
 *
 * @param stream - a stream that a context gave, itself: not what it was piped through.
 * @returns undefined where the reader left first, or the stream was cut off for another reason. Never rejects because of
 *   the stream.
 * @throws TypeError if no context gave this stream, as with one that was piped through another.
 */
export function endOf(stream: ReadableStream<string>): Promise<EndKind | undefined> {
  const tracked = trackedEnds().get(stream);
  if (!tracked) throw new TypeError("stream must be one that a context returned, got another.");
  return tracked.ended.promise;
}

function trackedEnds(): WeakMap<ReadableStream<string>, TrackedEnd> {
  return shared("tracked-ends.3", () => new WeakMap());
}
