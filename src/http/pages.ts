// Pages of a text that several bodies catch up with at once: each is framed and encoded once for those that ask for the same.

import type { DirectText } from "../engine/ends.ts";
import type { Bytes, Encoding } from "./encoding.ts";

/** What one read gives at most, so that a body that is late doesn't block the process. */
export const MAX_READ_UNITS = 65_536;
/** Shorter reads cost less than their keeping. A pair that would be cut makes a full read one shorter. */
const FULL_READ_UNITS = MAX_READ_UNITS - 1;
/** What is kept of a text. Bodies that began together stay about as near to each other. */
const MAX_PAGES = 4;

interface Page {
  from: number;
  to: number;
  /** Where the encoding was before it, and is after it. */
  before: Encoding;
  after: Encoding;
  bytes: Bytes;
}

/** By text: of this copy of the module alone, as what the classes of another hold can't be compared. */
const known = new WeakMap<DirectText, Pages>();

export function pagesOf(text: DirectText): Pages {
  const pages = known.get(text) ?? new Pages(text);
  known.set(text, pages);
  return pages;
}

/** Bodies of one text that haven't caught up with it. */
export class Pages {
  readonly #text: DirectText;
  readonly #bodies = new Set<object>();
  /** The last to be asked for comes last. Empty where nobody is there to share them. */
  #pages: Page[] = [];

  constructor(text: DirectText) {
    this.#text = text;
  }

  enter(body: object): void {
    this.#bodies.add(body);
  }

  leave(body: object): void {
    this.#bodies.delete(body);
    if (this.#bodies.size < 2) this.#pages = [];
  }

  /** The next text from offset `from`, as bytes, and where it ends; undefined if there is none yet. Throws what the framing throws. */
  next(from: number, encoding: Encoding): { bytes: Bytes; to: number } | undefined {
    const page = this.#find(from, encoding);
    if (page) return page;
    const { text } = this.#text.read(from, MAX_READ_UNITS);
    if (text === "") return undefined;
    const to = from + text.length;
    const isShared = this.#bodies.size > 1 && text.length >= FULL_READ_UNITS && encoding.isCommonUpTo(to);
    const before = isShared ? encoding.copy() : undefined;
    const bytes = encoding.push(text);
    if (before) {
      this.#pages.push({ from, to, before, after: encoding.copy(), bytes });
      if (this.#pages.length > MAX_PAGES) this.#pages.shift();
    }
    return { bytes, to };
  }

  #find(from: number, encoding: Encoding): Page | undefined {
    const index = this.#pages.findIndex(
      (each) => each.from === from && each.before.isWhere(encoding) && encoding.isCommonUpTo(each.to),
    );
    const [page] = index < 0 ? [] : this.#pages.splice(index, 1);
    if (!page) return undefined;
    this.#pages.push(page);
    encoding.moveTo(page.after);
    return page;
  }
}
