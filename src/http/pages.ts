// Pages of a text that several bodies catch up with: each is framed and encoded once for all that ask for the same.

import type { DirectText } from "../engine/ends.ts";
import type { Bytes, Encoding } from "./encoding.ts";

/** The most that one read gives, so that a body that is late doesn't block the process. */
export const MAX_READ_UNITS = 65_536;
/** Shorter reads cost less than their keeping. A pair that would be cut makes a full read one shorter. */
const FULL_READ_UNITS = MAX_READ_UNITS - 1;
/** Kept for all texts of a process together, in bytes: enough for a long text that hundreds of readers load again at once. */
const MAX_KEPT_BYTES = 4_194_304;

interface Page {
  of: Pages;
  from: number;
  to: number;
  /** The encoding before it, and after it. */
  before: Encoding;
  after: Encoding;
  bytes: Bytes;
}

/** Pages of all texts. The last to be asked for comes last. */
const kept = new Set<Page>();
let keptBytes = 0;

function keep(page: Page): void {
  kept.add(page);
  keptBytes += page.bytes.byteLength;
  for (const oldest of kept) {
    if (keptBytes <= MAX_KEPT_BYTES) return;
    oldest.of.forget(oldest);
  }
}

/** By text: of this copy of the module alone, as what the classes of another hold can't be compared. */
const known = new WeakMap<DirectText, Pages>();

export function pagesOf(text: DirectText): Pages {
  const pages = known.get(text) ?? new Pages(text);
  known.set(text, pages);
  return pages;
}

/** The pages of one text, and the bodies that may ask for them. */
export class Pages {
  readonly #text: DirectText;
  readonly #bodies = new Set<object>();
  /** Empty without bodies: nothing of a text is kept that nobody reads. */
  readonly #pages = new Set<Page>();

  constructor(text: DirectText) {
    this.#text = text;
  }

  enter(body: object): void {
    this.#bodies.add(body);
  }

  leave(body: object): void {
    this.#bodies.delete(body);
    if (this.#bodies.size > 0) return;
    for (const page of this.#pages) this.forget(page);
  }

  forget(page: Page): void {
    this.#pages.delete(page);
    kept.delete(page);
    keptBytes -= page.bytes.byteLength;
  }

  /** The next text from offset `from`, as bytes, and where it ends; undefined if there is none yet. Throws what the framing throws. */
  next(from: number, encoding: Encoding): { bytes: Bytes; to: number } | undefined {
    const page = this.#find(from, encoding);
    if (page) return page;
    const { text } = this.#text.read(from, MAX_READ_UNITS);
    if (text === "") return undefined;
    const to = from + text.length;
    const isShared = text.length >= FULL_READ_UNITS && encoding.isCommonUpTo(to);
    const before = isShared ? encoding.copy() : undefined;
    const bytes = encoding.push(text);
    if (before) {
      const made = { of: this, from, to, before, after: encoding.copy(), bytes };
      this.#pages.add(made);
      keep(made);
    }
    return { bytes, to };
  }

  #find(from: number, encoding: Encoding): Page | undefined {
    for (const page of this.#pages) {
      const isSame = page.from === from && page.before.isWhere(encoding);
      if (!isSame || !encoding.isCommonUpTo(page.to)) continue;
      kept.delete(page);
      kept.add(page);
      encoding.moveTo(page.after);
      return page;
    }
    return undefined;
  }
}
