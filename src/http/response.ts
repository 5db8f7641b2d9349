// A stream as a Response.

import { checkFunction, positive } from "../api/options.ts";
import { epochOfStream, startOf } from "../engine/journeys.ts";
import { systemClock } from "../lib/clock.ts";
import { markOf } from "../lib/position.ts";
import type { EndKind } from "../transports/transport.ts";
import { createBody } from "./body.ts";
import { EventFraming } from "./event-framing.ts";
import { plainFraming } from "./framing.ts";

/** A proxy's usual patience with a silent connection is 30 or 60 seconds. */
const DEFAULT_HEARTBEAT_MS = 15_000;

/** How a stream travels. */
export interface StreamResponseOptions {
  /**
   * `"events"`: the text is server-sent events; each gets an id that it can be resumed from, heartbeats keep the
   * connection, and a comment at the end says how the stream ended. `"text"`: the text as it is, and nothing else.
   * @defaultValue "events"
   */
  format?: "events" | "text";
  /** After so many milliseconds of silence a heartbeat goes out. Only events have one. @defaultValue 15000 */
  heartbeatMs?: number;
  /** How many milliseconds an `EventSource` waits before it reconnects; a whole number. @defaultValue the browser's, some seconds */
  retryMs?: number;
  /**
   * Name of an event that tells an `EventSource` how the stream ended (`data: done`), before the body closes. Leave it
   * out where other code than yours reads the events. @defaultValue none
   */
  endEvent?: string;
  /**
   * Gives whole events, each with its blank line, that are sent after the stream's own, by how that ended; `""` for none.
   * They get no id. A stopped stream of the AI SDK says `finish` by it. Only with events. @defaultValue none
   */
  atEnd?: (end: EndKind) => string;
  /**
   * Offset of the stream's first character, in UTF-16 code units; only for a stream that was piped through another.
   * @defaultValue known of a context's stream, else 0
   */
  offset?: number;
  /** Added to the response's, or in place of them. @defaultValue none */
  headers?: HeadersInit;
}

/**
 * A response whose body is the stream's text in UTF-8. A reader that leaves stops nothing; one that is slow is waited for.
 *
 * The body closes where the stream is done or stopped, and breaks off where it failed, was lost or was cut off, so that no
 * reader takes a part for the whole.
 *
 * @param stream - a stream of a context's.
 * @param options - how it travels.
 * @example
 * const stream = await context.createNewResumableStream(id, makeStream);
 * return stream ? streamResponse(stream) : new Response(null, { status: 204 });
 *
 * @throws TypeError naming the argument that can't be used.
 */
export function streamResponse(
  stream: ReadableStream<string>,
  options: StreamResponseOptions = {},
): Response {
  if (!(stream instanceof ReadableStream)) {
    throw new TypeError(`stream must be a ReadableStream, got ${stream === null ? "null" : typeof stream}.`);
  }
  checkResponseOptions(options);
  const { format = "events", heartbeatMs, retryMs, endEvent } = options;
  const from = startOf(stream) ?? options.offset ?? 0;
  const epoch = (): number | undefined => epochOfStream(stream);
  const framing = format === "text" ? plainFraming : new EventFraming({ from, epoch, retryMs, endEvent });
  const body = createBody({
    stream,
    framing,
    heartbeatMs: heartbeatMs ?? DEFAULT_HEARTBEAT_MS,
    clock: systemClock,
    atEnd: options.atEnd,
  });
  return new Response(body, { headers: headersOf({ format, from, epoch: epoch(), added: options.headers }) });
}

interface HeaderParts {
  format: "events" | "text";
  from: number;
  epoch: number | undefined;
  added: HeadersInit | undefined;
}

function headersOf({ format, from, epoch, added }: HeaderParts): Headers {
  const headers = new Headers({
    "content-type": `text/${format === "events" ? "event-stream" : "plain"}; charset=utf-8`,
    // no-transform: what compresses gathers, and what gathers delays.
    "cache-control": "no-cache, no-transform",
    // nginx and those that learned from it.
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "stream-status": "running",
    "stream-offset": String(from),
    ...(epoch !== undefined && { "stream-generation": markOf(epoch) }),
    "access-control-expose-headers": "stream-status, stream-offset, stream-generation",
  });
  const theirs = new Headers(added);
  for (const name of theirs.keys()) headers.delete(name);
  // Not set: each cookie is a header of its own, of the same name.
  for (const [name, value] of theirs) headers.append(name, value);
  return headers;
}

/** Throws a TypeError naming the option that can't be used. */
export function checkResponseOptions(options: StreamResponseOptions): void {
  const { format, heartbeatMs, retryMs, endEvent, atEnd, offset } = options;
  if (format !== undefined && format !== "events" && format !== "text") {
    throw new TypeError(`format must be "events" or "text", got ${typeof format}.`);
  }
  if (endEvent !== undefined && !/^[^\r\n]+$/.test(endEvent)) {
    throw new TypeError("endEvent must be a name of one line.");
  }
  if (atEnd !== undefined) checkFunction("atEnd", atEnd);
  if (atEnd !== undefined && format === "text") {
    throw new TypeError('atEnd must be left out with format "text": it adds events.');
  }
  positive("heartbeatMs", heartbeatMs, DEFAULT_HEARTBEAT_MS);
  checkWhole("retryMs", retryMs);
  checkWhole("offset", offset);
}

/** Both stand in the body as digits, which is all that readers of events take. */
function checkWhole(name: string, value: unknown): void {
  const isNumber = typeof value === "number";
  if (value === undefined || (isNumber && Number.isSafeInteger(value) && value >= 0)) return;
  throw new TypeError(`${name} must be a whole number from 0, got ${isNumber ? value : typeof value}.`);
}
