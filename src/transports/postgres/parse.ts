// What statements answer, as typed values. Pools differ in what they make of bigint, boolean and json.

import { ResumableStreamError } from "../../port/errors.ts";
import type { Row } from "./database.ts";
import type { Claimed, StreamRecord } from "../log/store.ts";
import { type EncodedEntry, type EntryRows, textFrom } from "./entries.ts";
import { READ_ONLY } from "./fragments.ts";

/** A row that a reader sees: what it says, and what the server's clock makes of it. */
export function parseRecord(row: Row): StreamRecord {
  const { handover } = row;
  return {
    epoch: toNumber(row, "epoch"),
    tail: toNumber(row, "tail"),
    status: parseStatus(toText(row, "status")),
    handover: handover === "due" || handover === "running" ? handover : undefined,
    leaseMs: row["lease_ms"] === null ? undefined : toNumber(row, "lease_ms"),
    watchedMs: row["watched_ms"] === null ? 0 : toNumber(row, "watched_ms"),
  };
}

export function parseStatus(status: string): StreamRecord["status"] {
  switch (status) {
    case "streaming":
    case "pending":
    case READ_ONLY:
      return "running";
    case "done":
    case "stopped":
    case "lapsed":
    case "lost":
      return status;
    default:
      return "failed";
  }
}

export function parseEntries(row: Row): EntryRows {
  const range =
    row["start"] === null ? undefined : { start: toNumber(row, "start"), stop: toNumber(row, "stop") };
  return { range, plain: toText(row, "plain"), encoded: parseEncoded(row["encoded"]) };
}

export function toNumber(row: Row, column: string): number {
  const value = Number(row[column]);
  if (Number.isFinite(value)) return value;
  throw notUnderstood(column, "number");
}

/** Whether it says so; neither absent nor null does. */
export function isTrue(row: Row, column: string): boolean {
  const value = row[column] ?? false;
  if (typeof value === "boolean") return value;
  // As the server writes it.
  if (value === "t" || value === "f") return value === "t";
  throw notUnderstood(column, "boolean");
}

/** Empty if it is absent or null. */
export function toText(row: Row, column: string): string {
  const value = row[column] ?? "";
  if (typeof value === "string") return value;
  throw notUnderstood(column, "text");
}

function notUnderstood(column: string, type: string): ResumableStreamError {
  const message = `Postgres answered without a ${type} for ${column}: is the table's column of another type, or does the pool parse it?`;
  return new ResumableStreamError("TRANSPORT_UNAVAILABLE", message);
}

function parseEncoded(value: unknown): EncodedEntry[] {
  const parsed: unknown = typeof value === "string" ? JSON.parse(value) : value;
  if (!Array.isArray(parsed)) return [];
  return parsed.map((entry: unknown) => {
    const [start, stop, chunk] = Array.isArray(entry) ? (entry as unknown[]) : [];
    return [Number(start), Number(stop), String(chunk)];
  });
}

/** The row of a claim that was won. */
export function toClaimed(row: Row): Claimed {
  return {
    epoch: toNumber(row, "epoch"),
    owedEpochs: toText(row, "owed_epochs").split(" ").filter(Boolean).map(Number),
    wasThere: isTrue(row, "was_there"),
  };
}

/** All text up to a tail; undefined if some of its rows were deleted. */
export function wholeText(row: Row, tail: number): string | undefined {
  const text = textFrom(0, parseEntries(row));
  return text?.length === tail ? text : undefined;
}

export function toFailure(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
