// A body's bytes: a framing, in UTF-8.

import type { EndKind } from "../port/transport.ts";
import type { Framing } from "./framing.ts";
import { Utf8Encoder } from "./utf8.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

export class Encoding {
  readonly #framing: Framing;
  readonly #utf8 = new Utf8Encoder();

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  get format(): Framing["format"] {
    return this.#framing.format;
  }

  open(): Bytes {
    return this.#utf8.encode(this.#framing.open());
  }

  /** Throws a TypeError for text that can't be framed. */
  push(text: string): Bytes {
    return this.#utf8.encode(this.#framing.push(text));
  }

  heartbeat(): Bytes {
    return this.#utf8.encode(this.#framing.heartbeat());
  }

  /** The last bytes before the body closes, or breaks off if the stream ended badly. */
  close(end: EndKind, added: string | undefined): Bytes {
    return this.#last(this.#framing.close(end, added));
  }

  /** The last bytes before the body is cut off; `isMoved`: while the stream goes on in another process. */
  cutOff(isMoved: boolean): Bytes {
    return this.#last(isMoved ? this.#framing.moved() : "");
  }

  #last(text: string): Bytes {
    const [first, second] = [this.#utf8.encode(text), this.#utf8.finish()];
    if (second.byteLength === 0) return first;
    const both = new Uint8Array(first.byteLength + second.byteLength);
    both.set(first);
    both.set(second, first.byteLength);
    return both;
  }

  // For readers of one text: see Framing.

  isWhere(other: Encoding): boolean {
    return this.#utf8.half === other.#utf8.half && this.#framing.isWhere(other.#framing);
  }

  isCommonUpTo(to: number): boolean {
    return this.#framing.isCommonUpTo(to);
  }

  moveTo(other: Encoding): void {
    this.#utf8.half = other.#utf8.half;
    this.#framing.moveTo(other.#framing);
  }

  release(): void {
    this.#framing.release();
  }

  copy(): Encoding {
    const copy = new Encoding(this.#framing.copy());
    copy.#utf8.half = this.#utf8.half;
    return copy;
  }
}
