import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";

/** Random bits in an epoch: two claims of one id in the same millisecond differ. */
const RANDOM_RANGE = 8_192;
/** 2020-01-01 in Unix milliseconds. Counted from there, epochs stay safe integers until 2054. */
const ORIGIN_MS = 1_577_836_800_000;

/** About when a claim was made, in Unix milliseconds: by the clock of the process that made it. */
export function claimedAtMs(epoch: number): number {
  return ORIGIN_MS + Math.floor(epoch / RANDOM_RANGE);
}

/** A forged epoch near the end of the number range leaves no room for successors: no claim may try to come above such a one. */
export function leavesRoom(epoch: number): boolean {
  return epoch < Number.MAX_SAFE_INTEGER / 2;
}

/**
 * Numbers claims: by time first, so that a later claim has the higher epoch without asking anybody; above every epoch
 * seen, so that a clock that lags can't make a successor look older than what it supersedes.
 */
export class Epochs {
  readonly #clock: Clock;
  readonly #random: Random;
  #highest = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): number {
    const random = Math.floor(this.#random.fraction() * RANDOM_RANGE);
    const fromClock = (this.#clock.wallTime() - ORIGIN_MS) * RANDOM_RANGE + random;
    // Two that have seen the same epoch, with clocks that lag behind it, must not both take the next one.
    this.#highest = Math.max(fromClock, this.#highest + 1 + random);
    return this.#highest;
  }

  observe(epoch: number): void {
    if (epoch > this.#highest && leavesRoom(epoch)) this.#highest = epoch;
  }
}
