// Text in pieces that a store writes whole: a write that is repeated has the same ones.

import { cutBeforePair } from "../../lib/text.ts";
import type { Piece } from "./store.ts";

/** Most of what a page may have to read beyond its end. Text of one byte a unit fills an entry of Redis with it. */
const MAX_PIECE_UNITS = 16_300;

export function toPieces(from: number, text: string): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < text.length;) {
    const end = cutBeforePair(text, at, at + MAX_PIECE_UNITS);
    pieces.push({ from: from + at, text: text.slice(at, end) });
    at = end;
  }
  return pieces;
}

export function stopOf({ from, text }: Piece): number {
  return from + text.length;
}

/** The first pieces that carry about `maxUnits` together; none if nothing is left to carry. */
export function firstOf(pieces: readonly Piece[], maxUnits: number): Piece[] {
  let units = 0;
  let count = 0;
  for (; count < pieces.length && units < maxUnits; count++) units += pieces[count]?.text.length ?? 0;
  return pieces.slice(0, count);
}
