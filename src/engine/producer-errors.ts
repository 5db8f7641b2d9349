// What a producer says of its source and of its successor.

import { asResumableStreamError, ResumableStreamError } from "../port/errors.ts";

/** A source's failure: as it is told to `onError`, and, with the source's own words, to readers of its process. */
export function sourceFailures(
  streamId: string,
  error: unknown,
): { told: ResumableStreamError; read: ResumableStreamError } {
  const failed = (why: string): ResumableStreamError =>
    asResumableStreamError(error, "SOURCE_FAILED", `The source of "${streamId}" failed: ${why}`);
  const told = failed("see cause.");
  const words = error instanceof Error ? error.message : "";
  return { told, read: words === "" ? told : failed(words) };
}

function supersededMessage(streamId: string, what: "produce" | "follow"): string {
  return `Cannot go on to ${what} "${streamId}": a newer producer has taken it over. Resume it to get the newer text.`;
}

/** The chunk itself may be somebody's text: only its kind is told. */
export function describeChunk(chunk: unknown): string {
  if (ArrayBuffer.isView(chunk) || chunk instanceof ArrayBuffer) {
    return "The source gives bytes; it must give strings. Pipe it through a TextDecoderStream: source.pipeThrough(new TextDecoderStream()).";
  }
  return `The source gave ${chunk === null ? "null" : `a chunk of type ${typeof chunk}`}; it must give strings.`;
}

export function tooLongError(maxBytes: number): ResumableStreamError {
  const message = `The source gave more than ${maxBytes} bytes (maxBytes): its stream failed, with the text up to there.`;
  return new ResumableStreamError("TEXT_TOO_LONG", message);
}

export function idleMessage(idleMs: number): string {
  return `it gave nothing for ${idleMs} ms (sourceIdleMs).`;
}

/** One deploy, one code: readers elsewhere are told the same. */
export function closingError(streamId: string): ResumableStreamError {
  return new ResumableStreamError(
    "PRODUCER_LOST",
    `Cannot go on with "${streamId}": the context that produced it was closed.`,
  );
}

export function fencedError(streamId: string): ResumableStreamError {
  return new ResumableStreamError("FENCED", supersededMessage(streamId, "produce"));
}

export function followerLostError(streamId: string): ResumableStreamError {
  return new ResumableStreamError("PRODUCER_LOST", supersededMessage(streamId, "follow"));
}

export function cancelError(streamId: string, cause: unknown): ResumableStreamError {
  const message = `The source of "${streamId}" failed to cancel: see cause.`;
  return new ResumableStreamError("SOURCE_FAILED", message, { cause });
}

export function writeError(streamId: string, error: unknown): ResumableStreamError {
  const message = `Writing "${streamId}" failed: see cause. Its original reader isn't affected.`;
  return asResumableStreamError(error, "TRANSPORT_UNAVAILABLE", message);
}

/** Not the reason itself: `fetch`, the AI SDK and providers tell an abort by this name, and take anything else for a fault. */
export function abortErrorOf(reason: unknown): DOMException {
  if (!(reason instanceof Error)) return new DOMException(String(reason), "AbortError");
  return Object.assign(new DOMException(reason.message, "AbortError"), { cause: reason });
}
