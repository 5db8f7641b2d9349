// All chance of a test: the same seed throws the same numbers.

import { seededRandom } from "../lib/random.ts";

/** A seed for a run that names none. */
export function createSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

export class Dice {
  readonly #random: () => number;

  /** `lane` makes independent dice of one seed: what one part throws doesn't move another's. */
  constructor(seed: number, lane = 0) {
    this.#random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(lane + 1, 0x85ebca6b));
  }

  fraction(): number {
    return this.#random();
  }

  between(min: number, max: number): number {
    return min + this.#random() * (max - min);
  }

  /** Both bounds included. */
  integer(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.integer(0, choices.length - 1)] ?? choices[0];
  }
}
