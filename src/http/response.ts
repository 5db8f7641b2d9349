// A stream as a Response.

import { checkFunction, positive } from "../api/options.ts";
import { endBeforeOf, epochsOf, startOf, tailOf } from "../engine/ends.ts";
import { systemClock } from "../lib/clock.ts";
import { markOf } from "../lib/position.ts";
import type { EndKind } from "../port/transport.ts";
import { answerOf, EXPOSED, type StatusHeader } from "./answer.ts";
import { createBody } from "./body.ts";
import type { Compactor } from "./compaction.ts";
import { EventFraming } from "./event-framing.ts";
import { plainFraming } from "./framing.ts";

/** Bun cuts a connection that was silent for 10 s, the least patient of servers; proxies do after 30 or 60. */
const DEFAULT_HEARTBEAT_MS = 5_000;

/** Middleware that compresses gathers text, and delays it so. */
const NO_TRANSFORM = "no-transform";

/** How a stream travels. */
export interface StreamResponseOptions {
  /**
   * `"events"`: the text is server-sent events; each gets an id that it can be resumed from, heartbeats keep the
   * connection, one comment says where the text of the moment of the request ends, and one at the end how the stream ended. `"text"`: the text as it is, and nothing else.
   * @defaultValue "events"
   */
  format?: "events" | "text";
  /** A heartbeat goes out after this time of silence, in milliseconds. Only events have one. @defaultValue 5000 */
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
   * Says which neighbouring events become one while the reader catches up, so that a long answer is loaded again in a part of
   * its bytes. Only events that were there at the request, and never live ones; order and ids stay. Only with events.
   * @defaultValue each event is sent as it is
   */
  compact?: Compactor;
  /**
   * Offset of the stream's first character, in UTF-16 code units; only for a stream that was piped through another.
   * @defaultValue known of a context's stream, else 0
   */
  offset?: number;
  /**
   * Added to the response's, or in place of them. Your `access-control-expose-headers` gets ours besides, and your
   * `cache-control` keeps `no-transform`: what compresses gathers, and what gathers delays. @defaultValue none
   */
  headers?: HeadersInit;
  /**
   * The request's: once it aborts, the reader has left. For servers that don't cancel a body that nobody gets any more.
   * @defaultValue none
   */
  signal?: AbortSignal;
}

/**
 * A response whose body is the stream's text in UTF-8. A reader that leaves stops nothing; one that is slow is waited for.
 *
 * The body closes if the stream is done or stopped, and breaks off if it failed, was lost or was cut off, so that no
 * reader takes a part for the whole.
 *
 * @param stream - a stream of a context's, or what its calls give if there is none: then the answer is 204, with
 *   `stream-status: done` for `null` and `absent` for `undefined`.
 * @param options - how it travels.
 * @example
 * return streamResponse(await context.createNewResumableStream(id, makeStream));
 *
 * @throws TypeError naming the argument that can't be used.
 */
export function streamResponse(
  stream: ReadableStream<string> | null | undefined,
  options: StreamResponseOptions = {},
): Response {
  checkResponseOptions(options);
  if (stream === null || stream === undefined) {
    const status: StatusHeader = stream === null ? "done" : "absent";
    return answerOf(204, { own: { "stream-status": status }, added: options.headers });
  }
  if (!(stream instanceof ReadableStream)) {
    throw new TypeError(`stream must be a ReadableStream, null or undefined, got ${typeof stream}.`);
  }
  const { format = "events", heartbeatMs, retryMs, endEvent } = options;
  const from = startOf(stream) ?? options.offset ?? 0;
  const epoch = epochsOf(stream);
  const tail = tailOf(stream);
  const framing =
    format === "text"
      ? plainFraming
      : new EventFraming({ from, epoch, tail, compact: options.compact, retryMs, endEvent });
  const body = createBody({
    stream,
    framing,
    heartbeatMs: heartbeatMs ?? DEFAULT_HEARTBEAT_MS,
    clock: systemClock,
    atEnd: options.atEnd,
    signal: options.signal,
  });
  // That a stream had failed is told at its end: by then its reader has the text that is left.
  const before = endBeforeOf(stream);
  const headStatus = before === "done" || before === "stopped" ? before : "running";
  const head = { format, from, epoch: epoch?.(), status: headStatus, added: options.headers } as const;
  return new Response(body, { headers: headersOf(head) });
}

interface HeaderParts {
  format: "events" | "text";
  from: number;
  epoch: number | undefined;
  status: StatusHeader;
  added: HeadersInit | undefined;
}

function headersOf({ format, from, epoch, status, added }: HeaderParts): Headers {
  const headers = new Headers({
    "content-type": `text/${format === "events" ? "event-stream" : "plain"}; charset=utf-8`,
    "cache-control": `no-cache, no-store, ${NO_TRANSFORM}`,
    // nginx and those that learned from it.
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "stream-status": status,
    "stream-offset": String(from),
    ...(epoch !== undefined && { "stream-generation": markOf(epoch) }),
  });
  const theirs = new Headers(added);
  const cacheControl = theirs.get("cache-control");
  if (cacheControl !== null) theirs.set("cache-control", untransformed(cacheControl));
  for (const name of theirs.keys()) headers.delete(name);
  // Not set: each cookie is a header of its own, of the same name.
  for (const [name, value] of theirs) headers.append(name, value);
  headers.append(...EXPOSED);
  return headers;
}

/** As middleware looks for it: a directive of its own, not a part of another one's name or value. */
function untransformed(cacheControl: string): string {
  const isThere = /(?:^|,)\s*no-transform\s*(?:,|$)/i.test(cacheControl);
  return isThere ? cacheControl : [cacheControl, NO_TRANSFORM].filter(Boolean).join(", ");
}

/** Throws a TypeError naming the option that can't be used. */
export function checkResponseOptions(options: StreamResponseOptions): void {
  const { format, heartbeatMs, retryMs, endEvent, atEnd, compact, offset, signal } = options;
  if (signal !== undefined && !isSignal(signal)) {
    throw new TypeError(`signal must be an AbortSignal, got ${signal === null ? "null" : typeof signal}.`);
  }
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
  if (compact !== undefined) checkFunction("compact", compact);
  if (compact !== undefined && format === "text") {
    throw new TypeError('compact must be left out with format "text": it merges events.');
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

/** Not by its class, which may be of another realm or a polyfill. */
function isSignal(value: unknown): value is AbortSignal {
  return typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;
}
