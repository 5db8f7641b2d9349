// Puts the frames of one reply together: all of them, in order, or none.

import type { Page } from "../../port/transport.ts";

/** The largest reply, in code units: as much as a follower holds for its reader. */
export const MAX_REPLY_UNITS = 524_288;

export class ReplyAssembly {
  /** Offset that was asked for; absent where any will do. */
  readonly #from: number | undefined;
  #texts: string[] = [];
  /** The producer that answers, and the offset its next frame has to start at; absent until its first one came. */
  #awaited: { epoch: number; next: number } | undefined;
  #hasMoved = false;

  constructor(from: number | undefined) {
    this.#from = from;
  }

  /** The page, once its last frame is here. */
  add(part: Page, isLast: boolean): Page | undefined {
    // The first frame starts over: a reply that was asked for twice may be cut elsewhere the second time.
    // It may start one early, with the first half of a surrogate pair.
    const early = this.#from === undefined ? 0 : this.#from - part.from;
    const isFirst = early === 0 || (early === 1 && part.text !== "");
    if (isFirst && part.epoch >= (this.#awaited?.epoch ?? 0)) {
      this.#awaited = { epoch: part.epoch, next: part.from };
      this.#texts = [];
    }
    const { epoch, next } = this.#awaited ?? {};
    if (next === undefined || part.epoch !== epoch || part.from !== next) return undefined;
    const units = this.#texts.reduce((sum, text) => sum + text.length, part.text.length);
    if (units > MAX_REPLY_UNITS) return undefined;
    this.#texts.push(part.text);
    this.#awaited = { epoch, next: next + part.text.length };
    this.#hasMoved = true;
    return isLast
      ? { ...part, from: next + part.text.length - units, text: this.#texts.join("") }
      : undefined;
  }

  /** Whether frames came since it was last asked. */
  hasMoved(): boolean {
    const hasMoved = this.#hasMoved;
    this.#hasMoved = false;
    return hasMoved;
  }
}
