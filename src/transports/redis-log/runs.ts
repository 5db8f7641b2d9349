// Text as the writes of a script, and back. An open tail takes what comes in small pieces and is sealed into an entry before it
// outgrows the size that the server's allocator has a class for; a long piece is an entry of its own.

import { cutBeforePair, utf8Length } from "../../lib/text.ts";
import type { Piece } from "../log/store.ts";
import { toList, toText, unexpected } from "./answers.ts";

/** With what a node of a stream adds, just below a class of 4,096 bytes: above it an entry would take 5,120. */
const MAX_OPEN_BYTES = 4_000;
/** The same below 16,384. No entry has more code units. */
export const MAX_ENTRY_BYTES = 16_300;
/** JSON takes up to 6 bytes for a code unit. */
const MAX_JSON_UNITS = 2_700;

export interface Written {
  /** `op`, offset at its end, and text, as often as needed. */
  words: string[];
  /** Bytes in the open tail once that is written. */
  openBytes: number;
}

export function toWords(pieces: readonly Piece[], openBytesBefore: number): Written {
  const words: string[] = [];
  let openBytes = openBytesBefore;
  const write = (op: "a" | "s" | "t" | "j", stop: number, text: string): void => {
    words.push(op, String(stop), text);
  };
  for (const { from, text } of pieces) {
    let at = from;
    for (const run of toRuns(text)) {
      at += run.length;
      if (!run.isWellFormed()) {
        write("j", at, JSON.stringify(run));
        openBytes = 0;
        continue;
      }
      const bytes = utf8Length(run);
      if (openBytes + bytes <= MAX_OPEN_BYTES) {
        write("a", at, run);
        openBytes += bytes;
      } else if (bytes <= MAX_OPEN_BYTES) {
        write("s", at, run);
        openBytes = bytes;
      } else {
        write("t", at, run);
        openBytes = 0;
      }
    }
  }
  return { words, openBytes };
}

/** Runs that fit an entry each, and fill it. One that UTF-8 can't carry is as short as can be. */
function toRuns(text: string): string[] {
  const isWellFormed = text.isWellFormed();
  const bytes = isWellFormed ? utf8Length(text) : text.length;
  const maxBytes = isWellFormed ? MAX_ENTRY_BYTES : MAX_JSON_UNITS;
  if (bytes <= maxBytes) return [text];
  // As much as fits if its characters are spread evenly; else it is cut once more.
  const units = Math.max(2, Math.floor((text.length * maxBytes) / bytes));
  const cut = cutBeforePair(text, 0, units);
  return [...toRuns(text.slice(0, cut)), ...toRuns(text.slice(cut))];
}

export function decodeRun(kind: string, chunk: string): string {
  if (kind === "t") return chunk;
  const text: unknown = kind === "j" ? JSON.parse(chunk) : undefined;
  if (typeof text !== "string") throw unexpected("an entry of text");
  return text;
}

/** An entry of the text, by the offset at its end. */
export interface Entry {
  stop: number;
  text: string;
}

export function parseEntries(value: unknown): Entry[] {
  return toList(value).map((entry) => {
    const [id, fields] = toList(entry);
    const [kind, chunk] = fieldsOf(fields);
    const stop = Number(toText(id).split("-")[1]);
    if (!Number.isSafeInteger(stop)) throw unexpected("an entry's id");
    return { stop, text: decodeRun(kind, chunk) };
  });
}

/** RESP 3 gives a list as well: that of XRANGE isn't a map in a script's answer. */
function fieldsOf(fields: unknown): [kind: string, chunk: string] {
  const [kind, chunk] = toList(fields);
  return [toText(kind), toText(chunk)];
}

/** The text of entries, and of the open tail behind them, from `from` on; undefined if it isn't all there. */
export function joinFrom(
  from: number,
  entries: readonly Entry[],
  open: Entry | undefined,
): string | undefined {
  const parts: string[] = [];
  let at: number | undefined;
  for (const { stop, text } of open ? [...entries, open] : entries) {
    const start = stop - text.length;
    if (at !== undefined && start !== at) return undefined;
    parts.push(text);
    at = stop;
  }
  if (at === undefined) return "";
  const text = parts.join("");
  const start = at - text.length;
  return start <= from ? text.slice(from - start) : undefined;
}
