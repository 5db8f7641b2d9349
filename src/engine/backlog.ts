// Text already produced, by offset: what the primary reader, followers of the same process and the transport read from.

import { cutBeforePair } from "../lib/text.ts";
import type { EndKind, Slice } from "../transports/transport.ts";

/** How many pieces gather before they become one string: a reader at the tail finds its piece without a copy. */
const PIECES_PER_BLOCK = 64;
/** Blocks grow to this many code units, so that a stream of any size costs little more than its text. */
const MAX_BLOCK_UNITS = 65_536;

export class Backlog {
  /** Neighbouring runs of the text; `#starts[i]` is the offset of `#pieces[i]`. */
  readonly #pieces: string[] = [];
  readonly #starts: number[] = [];
  /** How many pieces at the front are blocks already. */
  #blocks = 0;
  #tail = 0;
  #end: EndKind | undefined;
  readonly #waiting = new Set<() => void>();

  /** Offset after the last character. */
  get tail(): number {
    return this.#tail;
  }

  /** Absent while the source runs. */
  get end(): EndKind | undefined {
    return this.#end;
  }

  /** How many strings hold the text: what a stream costs besides it. */
  get pieces(): number {
    return this.#pieces.length;
  }

  append(text: string): void {
    if (text === "") return;
    this.#pieces.push(text);
    this.#starts.push(this.#tail);
    this.#tail += text.length;
    if (this.#pieces.length - this.#blocks >= PIECES_PER_BLOCK) this.#compact();
    this.#wake();
  }

  finish(end: EndKind): void {
    this.#end = end;
    this.#wake();
  }

  /** Text from `from`, at most `maxUnits`, never cut between the halves of a surrogate pair unless it is all there is. */
  read(from: number, maxUnits: number): Slice {
    const slice: Slice = { from, text: this.#textFrom(from, maxUnits), tail: this.#tail };
    if (this.#end !== undefined) slice.end = this.#end;
    return slice;
  }

  /** Calls back once, at the next append or at the end. Returns a function that takes it back. */
  onceMoved(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  #textFrom(from: number, maxUnits: number): string {
    const available = this.#tail - from;
    if (available <= 0 || maxUnits <= 0) return "";
    let index = this.#indexOf(from);
    const first = this.#pieces[index] ?? "";
    const skip = from - (this.#starts[index] ?? 0);
    if (first.length - skip >= Math.min(available, maxUnits)) {
      return first.slice(skip, cutBeforePair(first, skip, skip + maxUnits));
    }
    const parts = [skip === 0 ? first : first.slice(skip)];
    let units = first.length - skip;
    while (units < maxUnits && ++index < this.#pieces.length) {
      const piece = this.#pieces[index] ?? "";
      parts.push(piece);
      units += piece.length;
    }
    const text = parts.join("");
    return units > maxUnits ? text.slice(0, cutBeforePair(text, 0, maxUnits)) : text;
  }

  /** The piece that holds the character at `offset`. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    // Readers are nearly always at the tail.
    if ((this.#starts[high] ?? 0) <= offset) return high;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Joins the loose pieces to a block, and blocks to larger ones while that copies each character a few times at most. */
  #compact(): void {
    let first = this.#blocks;
    let units = this.#tail - (this.#starts[first] ?? 0);
    while (first > 0) {
      const previous = this.#pieces[first - 1] ?? "";
      if (previous.length > 2 * units || previous.length + units > MAX_BLOCK_UNITS) break;
      first -= 1;
      units += previous.length;
    }
    const block = this.#pieces.splice(first).join("");
    this.#starts.length = first + 1;
    this.#pieces.push(block);
    this.#blocks = first + 1;
  }

  #wake(): void {
    if (this.#waiting.size === 0) return;
    const callbacks = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of callbacks) callback();
  }
}
