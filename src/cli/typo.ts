// Guesses which word was meant by one that doesn't exist.

/** More than two slips make another word. */
const MAX_SLIPS = 2;

export interface Guess {
  name: string;
  /** The part of what was written that may have meant the name. */
  written: string;
}

/** The name that is a slip or two away from what was written. */
export function closest(guesses: readonly Guess[]): string | undefined {
  return guesses
    .map(({ name, written }) => ({ name, slips: slipsBetween(name, written) }))
    .filter(({ slips }) => slips <= MAX_SLIPS)
    .toSorted((one, other) => one.slips - other.slips)[0]?.name;
}

/** The end of a message; empty if nothing comes to mind. */
export function didYouMean(names: readonly (string | undefined)[]): string {
  const quoted = names.filter((name) => name !== undefined).map((name) => `"${name}"`);
  return quoted.length === 0 ? "" : ` Did you mean ${quoted.join(" or ")}?`;
}

/** Levenshtein's distance: letters to insert, leave out or change. */
function slipsBetween(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 0; row < one.length; row++) {
    const letter = one[row];
    const current = [row + 1];
    for (let column = 1; column <= other.length; column++) {
      const changed = (above[column - 1] ?? 0) + (letter === other[column - 1] ? 0 : 1);
      current.push(Math.min(changed, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[other.length] ?? 0;
}
