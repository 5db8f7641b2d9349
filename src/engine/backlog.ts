// Text already produced, by offset: what the primary reader, followers of the same process and the transport read from.

import { cutBeforePair, splitsPair } from "../lib/text.ts";
import type { EndKind, Slice } from "../port/transport.ts";

/** Pieces of one size that become one: a stream of any number of chunks costs little more than its text. */
const PIECES_PER_BLOCK = 64;
/** Joined no further than this, in code units: every character is copied a few times at most. */
const MAX_BLOCK_UNITS = 262_144;

export class Backlog {
  /** Neighbouring runs of the text; `#starts[i]` is the offset of `#pieces[i]`. */
  readonly #pieces: string[] = [];
  readonly #starts: number[] = [];
  /** How many of the last pieces are loose chunks: a number by itself, as it changes with each chunk. */
  #loose = 0;
  /** How many are blocks of those, blocks of blocks and so on: the finest come last. */
  readonly #gathered: number[] = [];
  /** The first chunk that nobody can read yet, by itself: without a burst there is no other. Empty if there is none. */
  #first = "";
  /** Chunks after it; absent until there are some. */
  #others: string[] | undefined;
  #tail = 0;
  #end: EndKind | undefined;
  /** The first that waits for the next announcement: mostly the original reader, alone. */
  #waiter: (() => void) | undefined;
  /** Others that wait beside it; absent until there are some. */
  #waiters: Set<() => void> | undefined;

  /** Offset after the last character that is announced. */
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

  /** Adds a chunk, to be read from the next announcement on. */
  append(text: string): void {
    if (this.#first === "") this.#first = text;
    else if (text !== "") (this.#others ??= []).push(text);
  }

  /** Makes what was appended readable, and wakes who waits for it. */
  announce(): void {
    if (this.#first !== "") {
      // One piece, as readers at the tail will ask for it: found without a copy, however many they are.
      const text = this.#others ? this.#first + this.#others.join("") : this.#first;
      this.#first = "";
      this.#others = undefined;
      this.#pieces.push(text);
      this.#starts.push(this.#tail);
      this.#tail += text.length;
      this.#gather();
    }
    this.#wake();
  }

  finish(end: EndKind): void {
    this.#end = end;
    this.announce();
  }

  /** Text from `from`, at most `maxUnits`, never cut between the halves of a surrogate pair unless it is all there is. */
  read(from: number, maxUnits: number): Slice {
    const slice: Slice = { from, text: this.textFrom(from, maxUnits), tail: this.#tail };
    if (this.#end !== undefined) slice.end = this.#end;
    return slice;
  }

  /**
   * Like `read`, but starts one earlier if `from` is between the halves of a surrogate pair. Neighbouring reads then
   * meet before the pair, and every one is well-formed if the text is.
   */
  readPairs(from: number, maxUnits: number): Slice {
    const around = from > 0 && maxUnits > 0 ? this.textFrom(from - 1, 2) : "";
    return splitsPair(around, 1) ? this.read(from - 1, maxUnits + 1) : this.read(from, maxUnits);
  }

  /** Calls back once, at the next announcement. */
  onceMoved(callback: () => void): void {
    if (this.#waiter === callback || this.#waiters?.has(callback)) return;
    if (this.#waiter === undefined) this.#waiter = callback;
    else (this.#waiters ??= new Set()).add(callback);
  }

  /** Takes that back. */
  forget(callback: () => void): void {
    if (this.#waiter === callback) this.#waiter = undefined;
    this.#waiters?.delete(callback);
  }

  /** The text of `read`, alone. */
  textFrom(from: number, maxUnits: number): string {
    const available = this.#tail - from;
    if (available <= 0 || maxUnits <= 0) return "";
    let index = this.#indexOf(from);
    const first = this.#pieces[index] ?? "";
    const skip = from - (this.#starts[index] ?? 0);
    // One more than is asked for tells whether the cut would split a pair; the rest of a long piece isn't copied.
    const wanted = Math.min(available, maxUnits + 1);
    if (first.length - skip >= wanted) {
      return first.slice(skip, cutBeforePair(first, skip, skip + maxUnits));
    }
    const parts = [skip === 0 ? first : first.slice(skip)];
    let units = first.length - skip;
    while (units < wanted && ++index < this.#pieces.length) {
      const piece = (this.#pieces[index] ?? "").slice(0, wanted - units);
      parts.push(piece);
      units += piece.length;
    }
    const text = parts.join("");
    return text.slice(0, cutBeforePair(text, 0, maxUnits));
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

  /** A piece was added: joins those of its size to one of the next where enough are there. */
  #gather(): void {
    this.#loose += 1;
    if (this.#loose < PIECES_PER_BLOCK) return;
    this.#loose = 0;
    for (let level = 0; ; level += 1) {
      const first = this.#pieces.length - PIECES_PER_BLOCK;
      if (this.#tail - (this.#starts[first] ?? 0) > MAX_BLOCK_UNITS) {
        this.#gathered.length = 0;
        return;
      }
      this.#join(first);
      const count = (this.#gathered[level] ?? 0) + 1;
      this.#gathered[level] = count < PIECES_PER_BLOCK ? count : 0;
      if (count < PIECES_PER_BLOCK) return;
    }
  }

  #join(first: number): void {
    const joined = this.#pieces.splice(first).join("");
    this.#pieces.push(joined);
    this.#starts.length = first + 1;
  }

  #wake(): void {
    const waiter = this.#waiter;
    const waiters = this.#waiters;
    this.#waiter = undefined;
    if (waiters) this.#waiters = undefined;
    waiter?.();
    waiters?.forEach((callback) => callback());
  }
}
