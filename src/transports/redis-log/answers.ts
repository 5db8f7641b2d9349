// Answers of the scripts, as typed values. Clients differ in what they make of strings; whatever isn't understood is an error.

import { ResumableStreamError } from "../../port/errors.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A client with a type mapping gives bytes. */
export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (value instanceof Uint8Array) return decoder.decode(value);
  if (value === null || value === undefined) return "";
  throw unexpected("a string");
}

export function toNumber(value: unknown): number {
  const text = toText(value);
  const number = Number(text);
  if (text === "" || !Number.isFinite(number)) throw unexpected("a number");
  return number;
}

export function toList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw unexpected("a list");
}

/** Undefined for the answer that says nothing. */
export function toListOrNothing(value: unknown): readonly unknown[] | undefined {
  return value === null || value === undefined ? undefined : toList(value);
}

export function unexpected(what: string): ResumableStreamError {
  return new ResumableStreamError(
    "TRANSPORT_UNAVAILABLE",
    `Redis answered a script without ${what} that it needs: is there a proxy between, or a client that maps types?`,
  );
}
