// A stream's status record, and beside it how its last text ended: the values that the server holds, and what they mean.

import type { RecordedEnd } from "../../port/transport.ts";

/** What a stream's record says. `raw` is what the server holds, for comparing. */
export type StatusRecord = { status: "free" } | ClaimedRecord | { status: "done" };

export interface ClaimedRecord {
  status: "claimed";
  /** 0 if its producer hasn't named its epoch yet. */
  epoch: number;
  raw: string;
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

export function endValue({ epoch, tail, end }: RecordedEnd): string {
  return `${claimValue(epoch)} ${tail} ${end}`;
}

export function parseEnd(value: unknown): RecordedEnd | undefined {
  const text = parseValue(value) ?? "";
  const [, epoch, tail, end] = /^e(\d{1,16}) (\d{1,16}) (done|stopped)$/.exec(text) ?? [];
  if (end !== "done" && end !== "stopped") return undefined;
  return { epoch: Number(epoch), tail: Number(tail), end };
}

/** Whether the end that is kept is of a newer claim than one that is to be written. */
export function isNewer(kept: RecordedEnd | undefined, last: RecordedEnd): boolean {
  return kept !== undefined && kept.epoch > last.epoch;
}

/**
 * A key's value as a client gives it; undefined if it has none. Some answer a number if it is one, and clients with a type
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

/** The meaning of a server's value. A bare number is a claim by `INCR` whose producer hasn't named its epoch yet. */
export function parseRecord(value: unknown): StatusRecord {
  const raw = parseValue(value);
  if (raw === undefined || raw === FREE) return { status: "free" };
  if (raw === DONE) return { status: "done" };
  const epoch = /^e(\d{1,16})$/.exec(raw)?.[1];
  return { status: "claimed", epoch: epoch === undefined ? 0 : Number(epoch), raw };
}
