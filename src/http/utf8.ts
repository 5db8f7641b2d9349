const encoder = new TextEncoder();

/** UTF-8 of a text that comes in pieces: a surrogate pair split over two becomes one character. */
export class Utf8Encoder {
  /** The first half of a pair whose second half hasn't come. */
  half = "";

  encode(text: string): Uint8Array<ArrayBuffer> {
    const whole = this.half + text;
    const last = whole.charCodeAt(whole.length - 1);
    const isHalf = (last & 0xfc00) === 0xd800;
    this.half = isHalf ? whole.slice(-1) : "";
    return encoder.encode(isHalf ? whole.slice(0, -1) : whole);
  }

  /** A half that stayed alone can't be written in UTF-8: it becomes U+FFFD, one code unit as it was. */
  finish(): Uint8Array<ArrayBuffer> {
    const half = this.half;
    this.half = "";
    return encoder.encode(half);
  }
}
