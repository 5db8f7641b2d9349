// What an answer to a resume means, as total functions. Nothing is believed that it doesn't say.

import type { ResumableFetchErrorCode } from "./error.ts";
import { type EndKind, ending, type ReconnectEvent, type ServerKind } from "./reconnect.ts";

/**
 * Where a next connection begins: an offset in UTF-16 code units, and behind a dot the mark of the text's generation once a
 * server named it.
 */
export type Position = string;

/** An offset with a mark, if there is one. */
export function positionOf(offset: number | string, mark: string | null | undefined): Position {
  return mark ? `${offset}.${mark}` : String(offset);
}

export function offsetOf(position: Position): number {
  return parseInt(position);
}

export function markOf(position: Position): string | undefined {
  return position.split(".")[1];
}

export interface Asked {
  position: Position;
  /** Media type of the text; absent if its server gives none. */
  type: string | undefined;
  /** The answer's first comment says where it begins, or else nothing of it is taken. */
  isOwn: boolean;
  /** The caller makes the address himself, and so speaks for a server that confirms nothing. */
  isTrusted: boolean;
  closed: ServerKind | undefined;
  /** How many units beyond the position came of a closed connection, and are handed on if that was the end. */
  left: number;
}

export type Judgement = { type: "opened" } | Extract<ReconnectEvent, { type: "failed" | "judged" }>;

export function judge({ status, headers }: Response, asked: Asked, wallTime: number): Judgement {
  const { position, closed } = asked;
  const offset = headers.get("stream-offset");
  const said = headers.get("stream-status");
  const at = offsetOf(position);
  const isConfirmed = offset === String(at);
  const refused = (code: ResumableFetchErrorCode): Judgement => ({ type: "judged", verdict: { code } });
  const ended = (end: EndKind): Judgement => ({ type: "judged", verdict: ending(end) });
  if (isOther(headers.get("stream-generation"), position)) return ended("lost");
  if (status === 200) {
    const type = typeOf(headers);
    // A login page, say. Without a type it can't be told: of two handlers, one may well give none.
    if (type && asked.type && type !== asked.type) return refused("REFUSED");
    const isBelieved = offset === null ? asked.isTrusted || asked.isOwn : isConfirmed;
    // Not if the text's own beginning couldn't be read: a handler may well repeat a NaN.
    return isBelieved && at >= 0 ? { type: "opened" } : refused("NOT_RESUMED");
  }
  // Servers without our header answer 410 when the stream ended badly, and 204 or 422 when it is done.
  if (status === 410) return ended(said === "failed" ? "failed" : "lost");
  // Nothing is active: after a clean close that may be an end, or a server that has forgotten.
  if (said === "absent") return closed ? refused("MISSED_END") : ended("lost");
  // It had more to say at its end than text.
  if (said === "missed") return refused("MISSED_END");
  if (status === 204 || status === 422) {
    const hasAll = offset === null ? closed : isConfirmed;
    const isLonger = Number(offset) > at + asked.left;
    return hasAll
      ? ended(said === "stopped" ? said : "done")
      : { type: "judged", verdict: { code: "MISSED_END" }, isProven: isLonger };
  }
  // 500 after a clean close: a route that doesn't work, rather than a server that is gone.
  const isFinal = !mayPass(status) || (status === 500 && closed === "other");
  return isFinal ? refused("REFUSED") : { type: "failed", afterMs: retryAfterMs(headers, wallTime) };
}

/** Whether the same request may well be answered otherwise later. */
export function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** Whether a mark names another text than the one a reader has. One that begins with 0 stands for a claim that came late. */
export function isOther(mark: string | null | undefined, position: Position): boolean {
  return Boolean(mark && !/\.0./.test(position) && mark !== (markOf(position) ?? mark));
}

export const EVENTS: string = "text/event-stream";

export function typeOf(headers: Headers): string | undefined {
  return headers.get("content-type")?.split(/[;,]/)[0]?.trim().toLowerCase();
}

/** A reader that is told to come back tomorrow asks again all the same. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/** How long a server wants not to be asked; undefined if it doesn't say. */
export function retryAfterMs(headers: Headers, wallTime: number): number | undefined {
  const value = headers.get("retry-after");
  if (!value) return undefined;
  const ms = /:/.test(value) ? Date.parse(value) - wallTime : Number(value) * 1_000;
  return ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : undefined;
}
