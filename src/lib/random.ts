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
