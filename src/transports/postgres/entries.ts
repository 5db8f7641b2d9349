// Text as rows and back. Postgres holds neither NUL nor a lone surrogate in text, and clients may drop a byte order mark that
// leads one: such a row is kept as the base64 of its UTF-16, which is never more than three bytes a unit, as UTF-8 isn't.

import { toPieces } from "../log/pieces.ts";
import type { Piece } from "../log/store.ts";

const UTF_16 = "utf16";

/** A run of text as a row. */
export interface Entry {
  start: number;
  stop: number;
  chunk: string;
  encoding: string | null;
}

/** Rows of a page: the text that Postgres holds as it is, joined, and the encoded rows between. */
export interface EntryRows {
  /** Offsets of the first row's start and the last row's end; absent if there is none. */
  range: { start: number; stop: number } | undefined;
  plain: string;
  encoded: readonly EncodedEntry[];
}

/** Start offset, end offset, chunk. */
export type EncodedEntry = readonly [start: number, stop: number, chunk: string];

export function toEntries(from: number, text: string): Entry[] {
  return toPieces(from, text).map(toEntry);
}

/** The text of a page's rows from `from` on; undefined if it isn't all there. */
export function textFrom(from: number, rows: EntryRows): string | undefined {
  if (rows.range === undefined) return "";
  const { start, stop } = rows.range;
  const text = joinEntries(start, rows);
  return start <= from && text.length === stop - start ? text.slice(from - start) : undefined;
}

function joinEntries(start: number, { plain, encoded }: EntryRows): string {
  if (encoded.length === 0) return plain;
  const parts: string[] = [];
  let offset = start;
  let at = 0;
  for (const [from, to, chunk] of encoded) {
    const before = plain.slice(at, at + from - offset);
    parts.push(before, decode(chunk));
    at += before.length;
    offset = to;
  }
  parts.push(plain.slice(at));
  return parts.join("");
}

export function toEntry({ from: start, text }: Piece): Entry {
  const stop = start + text.length;
  return text.isWellFormed() && !text.includes("\0") && !text.startsWith("\uFEFF")
    ? { start, stop, chunk: text, encoding: null }
    : { start, stop, chunk: encode(text), encoding: UTF_16 };
}

function encode(text: string): string {
  const bytes: string[] = [];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    bytes.push(String.fromCharCode(unit & 0xff, unit >> 8));
  }
  return btoa(bytes.join(""));
}

function decode(chunk: string): string {
  const bytes = atob(chunk);
  const units: string[] = [];
  for (let index = 0; index + 1 < bytes.length; index += 2) {
    units.push(String.fromCharCode(bytes.charCodeAt(index) | (bytes.charCodeAt(index + 1) << 8)));
  }
  return units.join("");
}

/** A reason is told to the source, so that it may be any string; what Postgres can't hold is replaced. */
export function storable(reason: string | undefined): string | null {
  return reason === undefined ? null : reason.toWellFormed().replaceAll("\0", "\uFFFD");
}
