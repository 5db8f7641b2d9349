// Cutting text. Offsets are UTF-16 code units throughout.

const encoder = new TextEncoder();

/** Whether offset `at` is between the halves of a surrogate pair. */
export function splitsPair(text: string, at: number): boolean {
  return (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}

/** The largest end at most `end` that doesn't fall between the halves of a surrogate pair. Never below `start + 1`. */
export function cutBeforePair(text: string, start: number, end: number): number {
  if (end >= text.length || end <= start + 1) return Math.min(end, text.length);
  return splitsPair(text, end) ? end - 1 : end;
}

/** How many bytes UTF-8 takes for a well-formed text. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Each half of a pair is one unit for two bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

/** Makes a function that returns the longest prefix of a text whose UTF-8 form has at most `maxBytes` bytes. */
export function createByteLimiter(maxBytes: number): (text: string) => string {
  let scratch: Uint8Array | undefined;
  return (text) => {
    // A UTF-16 code unit takes at most three bytes: short texts, which are nearly all, need no measuring.
    if (text.length * 3 <= maxBytes) return text;
    scratch ??= new Uint8Array(maxBytes);
    const head = text.length > maxBytes ? text.slice(0, maxBytes) : text;
    const { read } = encoder.encodeInto(head, scratch);
    return read === text.length ? text : text.slice(0, read);
  };
}
