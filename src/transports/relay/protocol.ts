// The only place that knows the bytes: keys, channels, requests and frames. docs/protocol.md describes them.

import { createByteLimiter, cutBeforePair } from "../../lib/text.ts";
import type { EndKind, Page, Slice } from "../../port/transport.ts";

/** The largest message: a page has to fit any server's output buffer many times over. */
const MAX_MESSAGE_BYTES = 262_144;
/** Room for the header, which is under 100 bytes, and JSON's quotes. */
const limitRaw = createByteLimiter(MAX_MESSAGE_BYTES - 128);
/** JSON writes a lone surrogate, a quote or a control character in up to six bytes. */
const MAX_ESCAPED_UNITS = Math.floor((MAX_MESSAGE_BYTES - 128) / 6);

export interface Names {
  record: (streamId: string) => string;
  request: (streamId: string) => string;
  live: (streamId: string) => string;
  inbox: (listenerId: string) => string;
}

export function createNames(keyPrefix: string): Names {
  const base = `${keyPrefix}:rs`;
  return {
    record: (streamId) => `${base}:sentinel:${streamId}`,
    request: (streamId) => `${base}:request:${streamId}`,
    live: (streamId) => `${base}:live:${streamId}`,
    inbox: (listenerId) => `${base}:chunk:${listenerId}`,
  };
}

/** What arrives in a producer's inbox. `listenerId` names the follower process, `keepMs` how long it stays interested. */
export type Request =
  | ({ type: "read"; from: number; maxUnits: number; epoch: number | undefined } & Answerable)
  | ({ type: "stop"; reason: string | undefined; epoch: number | undefined } & Answerable)
  /** Stops the claim of this epoch, and no other: an answer meant for one generation. */
  | ({ type: "stop-only"; reason: string | undefined; epoch: number } & Answerable)
  /** Still following, though nothing needs to be read. */
  | { type: "watch"; listenerId: string; keepMs: number }
  | { type: "leave"; listenerId: string }
  /** Claims up to and including this epoch are superseded. */
  | { type: "fence"; epoch: number };

interface Answerable {
  listenerId: string;
  requestId: number;
  keepMs: number;
}

const MAX_REASON_UNITS = 200;
const MIN_KEEP_MS = 100;
/** A listener that says nothing for this time is forgotten, whatever it asked for. */
export const MAX_KEEP_MS = 120_000;

export function encodeRequest(request: Request): string {
  return JSON.stringify(request);
}

/** Undefined if the message isn't a request. Foreign bytes: nothing of the input is trusted. */
export function parseRequest(message: string): Request | undefined {
  const fields = parseObject(message);
  if (!fields) return undefined;
  const { type, listenerId, requestId, keepMs, from, maxUnits, epoch, reason } = fields;
  if (type === "fence") return isOffset(epoch) ? { type, epoch } : undefined;
  if (!isListenerId(listenerId)) return undefined;
  if (type === "leave") return { type, listenerId };
  if (typeof keepMs !== "number" || !Number.isFinite(keepMs)) return undefined;
  const interest = { listenerId, keepMs: Math.min(Math.max(keepMs, MIN_KEEP_MS), MAX_KEEP_MS) };
  if (type === "watch") return { type, ...interest };
  if (!isOffset(requestId)) return undefined;
  const named = isOffset(epoch) ? epoch : undefined;
  const text = typeof reason === "string" ? reason.slice(0, MAX_REASON_UNITS) : undefined;
  if (type === "stop") return { type, requestId, reason: text, epoch: named, ...interest };
  if (type === "stop-only") {
    return named === undefined ? undefined : { type, requestId, reason: text, epoch: named, ...interest };
  }
  if (type !== "read" || !isOffset(from) || !isOffset(maxUnits)) return undefined;
  return { type, requestId, from, maxUnits, epoch: named, ...interest };
}

/** What arrives in a follower's inbox or on a live channel. A frame without `requestId` is live. */
export type Frame =
  | { type: "page"; page: Page; requestId: number | undefined; isLast: boolean }
  /** A follower's own message, come back: its publisher and its subscriber both work. */
  | { type: "echo"; requestId: number };

// A frame is a header of words, a line feed, and the text as it is, or as JSON where UTF-8 can't carry it:
//   rs1 <kind> <epoch> <request id or -> <from> <tail> <end or ->\n<text>
// The kind is t for text, j for JSON, their capitals where more frames of the same reply follow, and e for an echo.
const MAGIC = "rs1";
const HEADER = /^rs1 ([tTjJe]) (\d{1,16}) (\d{1,16}|-) (\d{1,16}) (\d{1,16}) (done|failed|stopped|lost|-)\n/;

export function encodeEcho(requestId: number): string {
  return `${MAGIC} e 0 ${requestId} 0 0 -\n`;
}

/** The first frame of a reply whose text has to wait: a sign of life. */
export function encodeAck(slice: { from: number; tail: number }, epoch: number, requestId: number): string {
  return `${MAGIC} T ${epoch} ${requestId} ${slice.from} ${slice.tail} -\n`;
}

/** The frames of a slice, one or more. The end travels only with the last character. */
export function* encodePages(slice: Slice, epoch: number, requestId?: number): Generator<string> {
  const { text: whole } = slice;
  let at = 0;
  do {
    // Looked at piece by piece: whether the rest is well-formed would be asked of the same characters at every frame.
    const piece = whole.slice(at, cutBeforePair(whole, at, at + MAX_MESSAGE_BYTES));
    const isRaw = piece.isWellFormed();
    const text = isRaw ? limitRaw(piece) : piece.slice(0, MAX_ESCAPED_UNITS);
    const from = slice.from + at;
    at += text.length;
    const isUnended = slice.end === undefined || slice.from + at < slice.tail;
    const isLast = requestId === undefined || at === whole.length;
    const kind = isRaw ? "t" : "j";
    const header = `${MAGIC} ${isLast ? kind : kind.toUpperCase()} ${epoch} ${requestId ?? "-"} ${from} ${slice.tail} ${isUnended ? "-" : slice.end}`;
    yield `${header}\n${isRaw ? text : JSON.stringify(text)}`;
  } while (at < whole.length);
}

/** Undefined if the message isn't a frame. Foreign bytes: nothing of the input is trusted. */
export function parseFrame(message: string): Frame | undefined {
  const match = HEADER.exec(message);
  if (!match) return undefined;
  const [header, kind, epochWord, requestWord, fromWord, tailWord, endWord] = match;
  const requestId = requestWord === "-" ? undefined : Number(requestWord);
  if (kind === "e") return requestId === undefined ? undefined : { type: "echo", requestId };
  const body = message.slice(header.length);
  const text = kind === "t" || kind === "T" ? body : parseJsonString(body);
  const epoch = Number(epochWord);
  const from = Number(fromWord);
  const tail = Number(tailWord);
  if (text === undefined || !isOffset(epoch) || !isOffset(from) || !isOffset(tail)) return undefined;
  // If the text is empty, `from` may lie beyond the tail: a follower may wait for text that hasn't come.
  if (text !== "" && from + text.length > tail) return undefined;
  const page: Page = { epoch, from, text, tail };
  const end = parseEnd(endWord);
  if (end !== undefined) page.end = end;
  return { type: "page", page, requestId, isLast: kind === "t" || kind === "j" };
}

function parseEnd(word: string | undefined): EndKind | undefined {
  const isEnd = word === "done" || word === "failed" || word === "stopped" || word === "lost";
  return isEnd ? word : undefined;
}

function parseObject(message: string): Record<string, unknown> | undefined {
  // A request is short; a long message isn't worth parsing.
  if (message.length > 2_000) return undefined;
  const value = parseJson(message);
  return typeof value === "object" && value !== null ? { ...value } : undefined;
}

function parseJsonString(text: string): string | undefined {
  const value = parseJson(text);
  return typeof value === "string" ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isListenerId(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{1,64}$/.test(value);
}
