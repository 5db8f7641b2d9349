// How a body ends, by what its stream ended with.

import { ResumableStreamError } from "../port/errors.ts";
import type { EndKind } from "../port/transport.ts";
import type { Bytes, Encoding } from "./encoding.ts";

/**
 * The time between the last text (with the end's mark) and the error. An error discards what the reader has received and
 * not yet taken. A reader that keeps up needs less than this. A slower one misses the mark and asks again.
 */
export const BEFORE_BREAK_MS = 100;

/** The end of a stream, as its body tells it. */
export interface StreamEnd {
  /** Undefined if the stream was cut off, and may go on elsewhere. */
  end: EndKind | undefined;
  /** Of a body that breaks off. */
  error: unknown;
}

/** The end of a stream that closed. `end`: as its context tells it. */
export function endOfClosed(end: EndKind | undefined): StreamEnd {
  // Text that is kept of a failed stream closes well; a response's body must not.
  return { end, error: new Error(`The stream has ended: ${end}.`) };
}

/** The end of a stream that errored. */
export function endOfErrored(error: unknown): StreamEnd {
  return { end: endOfError(error), error: withoutCause(error) };
}

/** Whether a body closes, and doesn't break off. Without a known end it is cut off: its reader asks again. */
export function isClean({ end }: StreamEnd): boolean {
  return end === "done" || end === "stopped";
}

/** The body's last bytes. */
export function lastBytes(
  { end, error }: StreamEnd,
  { encoding, atEnd }: { encoding: Encoding; atEnd: ((end: EndKind) => string) | undefined },
): Bytes {
  return end === undefined ? encoding.cutOff(isClosing(error)) : encoding.close(end, atEnd?.(end));
}

/** A follower is ended so by its own context's close, and its producer has another. */
function isClosing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "CLOSED";
}

/** The end that an error stands for; undefined if the stream may go on elsewhere. */
function endOfError(error: unknown): EndKind | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  switch (error.code) {
    case "SOURCE_FAILED":
      return "failed";
    case "PRODUCER_LOST":
    case "FENCED":
      return "lost";
    default:
      return undefined;
  }
}

const bare = new WeakMap<Error, Error>();

/**
 * What a server prints of a body that broke off: not the error of the app's source or client, which may quote a text. All
 * readers of one failure get one error, so that it can be printed once.
 */
function withoutCause(error: unknown): unknown {
  if (!(error instanceof ResumableStreamError) || error.cause === undefined) return error;
  const known = bare.get(error) ?? new ResumableStreamError(error.code, error.message);
  bare.set(error, known);
  return known;
}
