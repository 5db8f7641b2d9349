// A source that always has a chunk ready would keep the process from ever reading a socket: pumping pauses now and then.

import type { Clock } from "../lib/clock.ts";

/** The longest run without a pause. Far above the cost of a pause, far below what a person or a timeout notices. */
const MAX_RUN_MS = 10;
/** How many chunks pass between two looks at the clock. */
const CHUNKS_PER_LOOK = 64;

export class Breather {
  readonly #clock: Clock;
  #runSince: number;
  #chunks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#runSince = clock.now();
  }

  isDue(): boolean {
    this.#chunks += 1;
    return this.#chunks % CHUNKS_PER_LOOK === 0 && this.#clock.now() - this.#runSince >= MAX_RUN_MS;
  }

  async rest(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
    this.#runSince = this.#clock.now();
  }
}
