// What statements answer, as typed values. Pools differ in what they make of bigint and json.

import { ResumableStreamError } from "../../port/errors.ts";
import type { EndKind } from "../../port/transport.ts";
import type { Row } from "./database.ts";
import type { EncodedEntry, EntryRows } from "./entries.ts";

/** A stream's row, as a reader sees it: `lost` if its producer's lease has lapsed. */
export interface SessionState {
  epoch: number;
  tail: number;
  /** Absent while it runs, and while the app is given what a dead producer left. */
  end: EndKind | undefined;
  /** Whether the app is still to get its text, or is getting it; absent if not, or if this context doesn't hand over. */
  handover: "due" | "running" | undefined;
  /** How long its producer's lease lasts; absent once it has ended. */
  leaseMs: number | undefined;
  /** For how long it is known that somebody follows. */
  watchedMs: number;
}

/** How this process reads rows. */
export interface Reading {
  /** It has just got its database back, and so have producers: a lapsed lease tells nothing yet. */
  isSettling: boolean;
  /** Its context gives the app what has ended. */
  handsOver: boolean;
}

export function parseState(row: Row, reading: Reading): SessionState {
  return {
    epoch: toNumber(row, "epoch"),
    tail: toNumber(row, "tail"),
    ...parseStatus(row, reading),
    leaseMs: row["lease_ms"] === null ? undefined : toNumber(row, "lease_ms"),
    watchedMs: row["watched_ms"] === null ? 0 : toNumber(row, "watched_ms"),
  };
}

/** How the stream of a row ended, if it has, and whether the app knows. */
export function parseStatus(
  row: Row,
  { isSettling, handsOver }: Reading,
): Pick<SessionState, "end" | "handover"> {
  const end = parseEnd(row["status"], isSettling);
  const { handover } = row;
  if (end === undefined || !handsOver || (handover !== "due" && handover !== "running")) {
    return { end, handover: undefined };
  }
  // Until the app has it, it isn't over: there is no moment in which a page finds neither stream nor answer.
  return { end: end === "lost" ? undefined : end, handover };
}

function parseEnd(status: unknown, isSettling: boolean): EndKind | undefined {
  switch (status) {
    case "streaming":
    case "pending":
      return undefined;
    case "done":
      return "done";
    case "stopped":
      return "stopped";
    case "lapsed":
      return isSettling ? undefined : "lost";
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
