// What statements answer, as typed values. Pools differ in what they make of bigint and json.

import { ResumableStreamError } from "../../port/errors.ts";
import type { EndKind } from "../../port/transport.ts";
import type { Row } from "./database.ts";
import type { EncodedEntry, EntryRows } from "./entries.ts";

/** A stream's row, as a reader sees it: `lost` if its producer's lease has lapsed. */
export interface SessionState {
  epoch: number;
  tail: number;
  /** Absent while it runs. */
  end: EndKind | undefined;
  /** How long its producer's lease lasts; absent once it has ended. */
  leaseMs: number | undefined;
  /** For how long it is known that somebody follows. */
  watchedMs: number;
}

/** `isSettling`: this process has just got its database back, and so have producers: a lapsed lease tells nothing yet. */
export function parseState(row: Row, isSettling: boolean): SessionState {
  const end = parseStatus(row);
  return {
    epoch: toNumber(row, "epoch"),
    tail: toNumber(row, "tail"),
    end: end === "lost" && isSettling ? undefined : end,
    leaseMs: row["lease_ms"] === null ? undefined : toNumber(row, "lease_ms"),
    watchedMs: row["watched_ms"] === null ? 0 : toNumber(row, "watched_ms"),
  };
}

/** How the stream of a row ended; undefined while it runs. */
export function parseStatus(row: Row): EndKind | undefined {
  switch (row["status"]) {
    case "streaming":
    case "pending":
      return undefined;
    case "done":
      return "done";
    case "stopped":
      return "stopped";
    case "lost":
      return "lost";
    default:
      return "failed";
  }
}

export function parseEntries(row: Row): EntryRows {
  const range =
    row["start"] === null ? undefined : { start: toNumber(row, "start"), stop: toNumber(row, "stop") };
  return { range, plain: toText(row["plain"]), encoded: parseEncoded(row["encoded"]) };
}

export function toNumber(row: Row, column: string): number {
  const value = Number(row[column]);
  if (Number.isFinite(value)) return value;
  throw new ResumableStreamError(
    "TRANSPORT_UNAVAILABLE",
    `Postgres answered without a number for ${column}: is the table's column of another type?`,
  );
}

/** Null if it is absent. */
export function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function parseEncoded(value: unknown): EncodedEntry[] {
  const parsed: unknown = typeof value === "string" ? JSON.parse(value) : value;
  if (!Array.isArray(parsed)) return [];
  return parsed.map((entry: unknown) => {
    const [start, stop, chunk] = Array.isArray(entry) ? (entry as unknown[]) : [];
    return [Number(start), Number(stop), toText(chunk)];
  });
}
