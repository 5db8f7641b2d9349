// What a producer says of its source and of its successor.

import { asResumableStreamError, type ResumableStreamError } from "../api/errors.ts";

/** A source's failure: as it is told to \`onError\`, and, with the source's own words, to readers of its process. */
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

export function supersededMessage(streamId: string, what: "produce" | "follow"): string {
  return `Cannot go on to ${what} "${streamId}": a newer producer has taken it over. Resume it to get the newer text.`;
}

/** The chunk itself may be somebody's text: only its kind is told. */
export function describeChunk(chunk: unknown): string {
  if (ArrayBuffer.isView(chunk) || chunk instanceof ArrayBuffer) {
    return "The source gives bytes; it must give strings. Pipe it through a TextDecoderStream: source.pipeThrough(new TextDecoderStream()).";
  }
  return `The source gave ${chunk === null ? "null" : `a chunk of type ${typeof chunk}`}; it must give strings.`;
}
