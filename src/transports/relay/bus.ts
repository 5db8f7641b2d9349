// What the relay needs of a pub/sub server: messages, and one record a stream that changes atomically.

import type { LastEnd } from "../transport.ts";

/** Publishes, and keeps the records. Every promise may reject or hang; the relay sets the deadlines. */
export interface PublishPort {
  /** How many received it, where the server tells. */
  publish(channel: string, message: string): Promise<number | undefined>;
  readonly records: StatusRecords;
  /** Hears of each time the connection is back after a loss. */
  onReconnect(listener: () => void): () => void;
}

/** Subscribes. Subscriptions survive a reconnect; messages sent meanwhile are lost. */
export interface SubscribePort {
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  onReconnect(listener: () => void): () => void;
}

/** What a stream's record says. `raw` is what the server holds, for comparing. */
export type StatusRecord =
  | { status: "free" }
  | { status: "claimed"; epoch: number; raw: string }
  | { status: "done" };

/** One record a stream. Each write carries its time to live, so that no record outlives its use. */
export interface StatusRecords {
  get(key: string): Promise<StatusRecord>;
  /** What `finish` wrote last beside the record; undefined if nothing is left of it. */
  lastEnd(key: string): Promise<LastEnd | undefined>;
  /** Claims a free record; false where it wasn't. */
  claimIfFree(key: string, claim: RecordClaim): Promise<boolean>;
  /** Claims a record whatever it says, and returns what it said. */
  replace(key: string, claim: RecordClaim): Promise<StatusRecord>;
  /** Has a claim that still holds live on. */
  renew(key: string, claim: RecordClaim): Promise<void>;
  /**
   * Marks a record done, unless another claim holds it; false then. Keeps beside it how the text ended, unless that tells of a
   * newer claim's: this one was superseded, and its write came late.
   */
  finish(key: string, ownership: RecordClaim, last: LastEnd): Promise<boolean>;
  /** Frees a record that still says `raw`; false where it says something else by now. */
  freeIf(key: string, raw: string): Promise<boolean>;
}

export interface RecordClaim {
  epoch: number;
  ttlSeconds: number;
}

/**
 * Where the end of a record's text is kept: the record itself has to say `DONE`, for version 2. Of the record's hash slot, so that
 * one script may write both on a cluster; undefined for the rare key of which no other can share the slot.
 */
export function endKey(key: string): string | undefined {
  // As clusters read it: from the first brace to the next closing one, if anything is in between.
  const hasOwnTag = /^[^{]*\{[^}]+\}/.test(key);
  if (hasOwnTag) return key.replace(":rs:sentinel:", ":rs:ended:");
  return key.includes("}") ? undefined : `{${key}}:ended`;
}

export function endValue({ epoch, tail, end }: LastEnd): string {
  return `${claimValue(epoch)} ${tail} ${end}`;
}

export function parseEnd(value: unknown): LastEnd | undefined {
  const text = parseValue(value) ?? "";
  const [, epoch, tail, end] = /^e(\d{1,16}) (\d{1,16}) (done|stopped)$/.exec(text) ?? [];
  if (end !== "done" && end !== "stopped") return undefined;
  return { epoch: Number(epoch), tail: Number(tail), end };
}

/** Whether the end that is kept is of a newer claim than one that is to be written. */
export function isNewer(kept: LastEnd | undefined, last: LastEnd): boolean {
  return kept !== undefined && kept.epoch > last.epoch;
}

/**
 * A key's value as a client gives it; undefined where it has none. Some answer a number where it is one, and clients with a type
 * mapping give bytes. Throws a TypeError at anything else: what isn't understood is no "free".
 */
export function parseValue(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  throw new TypeError(
    `A Redis client answered GET with ${Array.isArray(value) ? "an array" : typeof value}: pass one whose type mapping leaves strings and numbers as they are.`,
  );
}

export const DONE = "DONE";
export const FREE = "0";

/** A claim as a record holds it: no integer, so that `INCR` can't change it. */
export function claimValue(epoch: number): string {
  return `e${epoch}`;
}

/** What a server's value means. A bare number is a claim by `INCR` whose producer hasn't named its epoch yet. */
export function parseRecord(value: unknown): StatusRecord {
  const raw = parseValue(value);
  if (raw === undefined || raw === FREE) return { status: "free" };
  if (raw === DONE) return { status: "done" };
  const epoch = /^e(\d{1,16})$/.exec(raw)?.[1];
  return { status: "claimed", epoch: epoch === undefined ? 0 : Number(epoch), raw };
}
