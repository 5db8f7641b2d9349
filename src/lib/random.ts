// Chance, injected wherever something draws lots, so that a simulation can repeat itself.

export interface Random {
  /** From 0 up to 1. */
  fraction(): number;
  /** An id that nobody else has. */
  uuid(): string;
}

/** The platform's. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  uuid: () => crypto.randomUUID(),
};

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32): a failure can be run again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
