// What is known of a stream that a reader was given, beside its text: where it starts, what is old of it, and how it ended.

import { createDeferred, type Deferred } from "../lib/deferred.ts";
import { markOf } from "../lib/position.ts";
import { shared } from "../lib/shared.ts";
import type { EndKind } from "../port/transport.ts";

interface TrackedEnd {
  /** Offset of the first character. */
  from: number;
  /** The claim that the text is of; undefined while it isn't known, or if there is none. */
  epoch: () => number | undefined;
  /** How it had ended before this reader came; absent or undefined if it ran. */
  endBefore?: () => EndKind | undefined;
  /** Offset after the last character that there was when the stream was opened; undefined while it isn't known. */
  tail: () => number | undefined;
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

/** The claim that a stream's text is of; undefined if it isn't known, or no context gave the stream. */
export function epochOfStream(stream: ReadableStream<string>): number | undefined {
  return trackedEnds().get(stream)?.epoch();
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
  return epoch === undefined ? undefined : markOf(epoch);
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
  return shared("tracked-ends.2", () => new WeakMap());
}
