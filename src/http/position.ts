import { epochOf, parsePosition, type Position } from "../lib/position.ts";

/** A position as a request names it: what it means, and what it said. */
export interface RequestedPosition extends Position {
  text: string;
}

/** Where a request wants to go on; undefined if it names no place. */
export function requestedPosition(request: Request): RequestedPosition | "bad" | undefined {
  // An EventSource repeats its URL when it reconnects: what it has by then is in the header alone.
  const text = request.headers.get("last-event-id") || new URL(request.url).searchParams.get("resumeAt");
  if (text === null) return undefined;
  const position = parsePosition(text);
  return position ? { ...position, text } : "bad";
}

/** The generation that a request means; its mark is undefined if it names none. */
export function requestedGeneration(request: Request): { mark: string | undefined } | "bad" {
  const mark = new URL(request.url).searchParams.get("generation") ?? undefined;
  return mark !== undefined && epochOf(mark) === undefined ? "bad" : { mark };
}
