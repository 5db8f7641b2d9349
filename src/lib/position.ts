// Where a reader is in which text: an offset, and the mark of the generation that it counts in. `1204`, `1204.k3f9x2`.

export interface Position {
  /** In UTF-16 code units since the start of the text. */
  offset: number;
  /** The claim that the text was written under, or what stands for it; absent if any will do. */
  epoch: number | undefined;
}

/** Stands for the claim of a text that has none, the store being away: below 0, as no claim is, and the same for no two texts. */
export function epochWithoutClaim(): number {
  return -1 - Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}

/** The opaque mark by which a generation is known outside: lower-case letters and digits, at most twelve. */
export function markOf(epoch: number): string {
  // A claim's never begins so.
  return epoch < 0 ? `0${(-epoch).toString(36)}` : epoch.toString(36);
}

/** The claim that a mark names; undefined if it can't be one. */
export function epochOf(mark: string): number | undefined {
  if (!/^[0-9a-z]{1,12}$/.test(mark)) return undefined;
  const number = Number.parseInt(mark, 36);
  const epoch = /^0./.test(mark) ? -number : number;
  // One claim has one mark: 007 names nothing.
  return Number.isSafeInteger(epoch) && markOf(epoch) === mark ? epoch : undefined;
}

/** Undefined if `text` isn't a position. */
export function parsePosition(text: string): Position | undefined {
  const [, digits, mark] = /^(\d+)(?:\.([0-9a-z]+))?$/.exec(text) ?? [];
  const offset = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(offset)) return undefined;
  if (mark === undefined) return { offset, epoch: undefined };
  const epoch = epochOf(mark);
  return epoch === undefined ? undefined : { offset, epoch };
}

/** What follows the offset where a reader is told its position. The same in all positions of a text, and dear to make for each. */
export function positionEnding(epoch: number | undefined): string {
  return epoch === undefined ? "" : `.${markOf(epoch)}`;
}
