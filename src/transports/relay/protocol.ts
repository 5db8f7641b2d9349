// The only place that knows the bytes: keys, channels, requests and frames. docs/protocol.md describes them.

import { createByteLimiter, cutBeforePair } from "../../lib/text.ts";
import type { EndKind, Page, Slice } from "../../port/transport.ts";

/** The largest message: a page has to fit any server's output buffer many times over. */
const MAX_MESSAGE_BYTES = 262_144;
/** Room for the header, which has 126 bytes at most, and JSON's quotes. */
const limitRaw = createByteLimiter(MAX_MESSAGE_BYTES - 128);
/** JSON writes a lone surrogate, a quote or a control character in up to six bytes. */
const MAX_ESCAPED_UNITS = Math.floor((MAX_MESSAGE_BYTES - 128) / 6);

export interface Names {
  record: (streamId: string) => string;
  request: (streamId: string) => string;
  live: (streamId: string) => string;
  inbox: (listenerId: string) => string;
  checks: (contextId: string) => string;
}

export function createNames(keyPrefix: string): Names {
  const base = `${keyPrefix}:rs`;
  return {
    record: (streamId) => `${base}:sentinel:${streamId}`,
    request: (streamId) => `${base}:request:${streamId}`,
    live: (streamId) => `${base}:live:${streamId}`,
    inbox: (listenerId) => `${base}:chunk:${listenerId}`,
    checks: (contextId) => `${base}:check:${contextId}`,
  };
}

/** A question to a producer. `listenerId` names the context that follows, `keepMs` is how long it stays interested. */
export type Request =
  | ({ type: "read"; from: number; maxUnits: number; epoch: number | undefined } & Answerable)
  | ({ type: "stop"; reason: string | undefined; epoch: number | undefined } & Answerable)
  /** Stops the claim of this epoch, and no other: an answer meant for one generation. */
  | ({ type: "stop-only"; reason: string | undefined; epoch: number } & Answerable)
  /**
   * To a context that produces: which of its streams that I follow are there, and what of them has changed since an earlier answer?
   * `count` is how many I think I follow, `sum` that of their epochs, modulo 2^32.
   */
  | ({ type: "check"; since: number; count: number; sum: number } & Answerable)
  | { type: "leave"; listenerId: string }
  /** Claims up to and including this epoch are superseded. */
  | { type: "fence"; epoch: number };

interface Answerable {
  listenerId: string;
  requestId: number;
  keepMs: number;
}

const MAX_REASON_UNITS = 200;
/** The least that a producer remembers who asks it. */
export const MIN_KEEP_MS = 100;
/** A listener that says nothing for this time is forgotten, whatever it asked for. */
export const MAX_KEEP_MS = 120_000;

export function encodeRequest(request: Request): string {
  return JSON.stringify(request);
}

/** Undefined if the message isn't a request. Foreign bytes: nothing of the input is trusted. */
export function parseRequest(message: string): Request | undefined {
  const fields = parseObject(message);
  if (!fields) return undefined;
  const { type, listenerId, requestId, keepMs, from, maxUnits, epoch, reason, since, count, sum } = fields;
  if (type === "fence") return isOffset(epoch) ? { type, epoch } : undefined;
  if (!isListenerId(listenerId)) return undefined;
  if (type === "leave") return { type, listenerId };
  if (typeof keepMs !== "number" || !Number.isFinite(keepMs)) return undefined;
  const interest = { listenerId, keepMs: Math.min(Math.max(keepMs, MIN_KEEP_MS), MAX_KEEP_MS) };
  if (!isOffset(requestId)) return undefined;
  if (type === "check") {
    const isCheck = isOffset(since) && isOffset(count) && isOffset(sum);
    return isCheck ? { type, requestId, since, count, sum, ...interest } : undefined;
  }
  const named = isOffset(epoch) ? epoch : undefined;
  const text = typeof reason === "string" ? reason.slice(0, MAX_REASON_UNITS) : undefined;
  if (type === "stop") return { type, requestId, reason: text, epoch: named, ...interest };
  if (type === "stop-only") {
    return named === undefined ? undefined : { type, requestId, reason: text, epoch: named, ...interest };
  }
  if (type !== "read" || !isOffset(from) || !isOffset(maxUnits)) return undefined;
  return { type, requestId, from, maxUnits, epoch: named, ...interest };
}

/** How far a stream's live frames have come. */
export interface StreamMark {
  epoch: number;
  tail: number;
  end: EndKind | undefined;
}

/** The answer to a check, or a part of it. */
export interface CheckAnswer {
  requestId: number;
  /** Numbers the check: a later one asks what has changed since. */
  round: number;
  /** All streams that the asker follows are told; else only those that have changed. */
  isAll: boolean;
  /** How many streams all parts of the answer have together. */
  total: number;
  streams: StreamMark[];
}

/** Of epochs, in a check: whether two contexts speak of the same streams. */
export function sumOf(epochs: readonly number[]): number {
  return epochs.reduce((sum, epoch) => (sum + epoch) % 2 ** 32, 0);
}

/** What arrives in a follower's inbox or on a live channel. A frame without `requestId` is live. `by` names the context that answers. */
export type Frame =
  | { type: "page"; page: Page; requestId: number | undefined; isLast: boolean; by: string | undefined }
  | ({ type: "checked" } & CheckAnswer)
  /** A follower's own message, come back: its publisher and its subscriber both work. */
  | { type: "echo"; requestId: number };

// A frame is a header of words, a line feed, and the text as it is, or as JSON where UTF-8 can't carry it:
//   rs1 <kind> <length> <epoch> <request id or -> <from> <tail> <end or -> <context, in replies>\n<text>
// The length is of what follows the line feed: a pub/sub that trims messages, or cuts them at a line feed, must not change the text.
// The kind is t for text, j for JSON, their capitals where more frames of the same reply follow, e for an echo, and for the answer
// to a check c if it has what changed, a if it has all: the round and the total stand for the offsets, and a line for each stream is the text.
const HEADER =
  /^rs1 ([tTjJeca]) (\d{1,16}) (\d{1,16}) (\d{1,16}|-) (\d{1,16}) (\d{1,16}) (done|failed|stopped|lost|-)(?: ([\w-]{1,64}))?\n/;
const MARK = /^(\d{1,16}) (\d{1,16}) (done|failed|stopped|lost|-)$/;
/** Of 42 bytes at most each. */
const MAX_MARKS = 5_000;

/** Whom a frame answers, and who does. */
export interface ReplyTo {
  requestId: number;
  by: string;
}

export function encodeEcho(requestId: number): string {
  return encodeFrame("e", `0 ${requestId} 0 0 -`, "");
}

/** The first frame of a reply whose text has to wait: a sign of life. */
export function encodeAck(
  slice: { from: number; tail: number },
  epoch: number,
  { requestId, by }: ReplyTo,
): string {
  return encodeFrame("T", `${epoch} ${requestId} ${slice.from} ${slice.tail} - ${by}`, "");
}

/** One frame or more, each with as many streams as it has room for. */
export function* encodeChecked({ requestId, round, isAll, total, streams }: CheckAnswer): Generator<string> {
  let at = 0;
  do {
    const part = streams.slice(at, at + MAX_MARKS);
    at += MAX_MARKS;
    const lines = part.map(({ epoch, tail, end }) => `${epoch} ${tail} ${end ?? "-"}`).join("\n");
    yield encodeFrame(isAll ? "a" : "c", `0 ${requestId} ${round} ${total} -`, lines);
  } while (at < streams.length);
}

/** The frames of a slice, one or more. The end travels only with the last character. */
export function* encodePages(slice: Slice, epoch: number, reply?: ReplyTo): Generator<string> {
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
    const isLast = reply === undefined || at === whole.length;
    const kind = isRaw ? "t" : "j";
    yield encodeFrame(
      isLast ? kind : kind.toUpperCase(),
      `${epoch} ${reply?.requestId ?? "-"} ${from} ${slice.tail} ${isUnended ? "-" : slice.end}${reply ? ` ${reply.by}` : ""}`,
      isRaw ? text : JSON.stringify(text),
    );
  } while (at < whole.length);
}

function encodeFrame(kind: string, words: string, text: string): string {
  return `rs1 ${kind} ${text.length} ${words}\n${text}`;
}

/** Undefined if the message isn't a frame. Foreign bytes: nothing of the input is trusted. */
export function parseFrame(message: string): Frame | undefined {
  const match = HEADER.exec(message);
  if (!match) return undefined;
  const [header, kind, length, epochWord, requestWord, fromWord, tailWord, endWord, by] = match;
  if (message.length - header.length !== Number(length)) return undefined;
  const requestId = requestWord === "-" ? undefined : Number(requestWord);
  if (kind === "e") return requestId === undefined ? undefined : { type: "echo", requestId };
  const body = message.slice(header.length);
  if (kind === "c" || kind === "a") {
    const streams = parseMarks(body);
    if (requestId === undefined || !streams) return undefined;
    const [round, total] = [Number(fromWord), Number(tailWord)];
    return { type: "checked", requestId, round, isAll: kind === "a", total, streams };
  }
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
  return { type: "page", page, requestId, isLast: kind === "t" || kind === "j", by };
}

function parseMarks(body: string): StreamMark[] | undefined {
  const streams: StreamMark[] = [];
  if (body === "") return streams;
  for (const line of body.split("\n", MAX_MARKS)) {
    const [, epochWord, tailWord, endWord] = MARK.exec(line) ?? [];
    const [epoch, tail] = [Number(epochWord), Number(tailWord)];
    if (!isOffset(epoch) || !isOffset(tail)) return undefined;
    streams.push({ epoch, tail, end: parseEnd(endWord) });
  }
  return streams;
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
