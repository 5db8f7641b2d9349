// How a source is pumped: what it gives is announced, though not chunk by chunk in a burst, and nobody else is kept waiting.

import type { Clock } from "../lib/clock.ts";

/** In a burst one announcement serves so many chunks: waking a reader costs several times what a chunk does. */
const CHUNKS_PER_ANNOUNCEMENT = 128;
/** The longest run without a pause. Far above the cost of a pause, far below what a person or a timeout notices. */
const MAX_RUN_MS = 5;

export class Pace {
  readonly #clock: Clock;
  readonly #announce: () => void;
  /** Whether a chunk was announced in this turn of the event loop already. */
  #isBurst = false;
  #unannounced = 0;
  #runSince: number;

  constructor(clock: Clock, announce: () => void) {
    this.#clock = clock;
    this.#announce = announce;
    this.#runSince = clock.now();
  }

  /** A chunk came: announced at once if it is the first of its turn, with the others of a burst otherwise. */
  produced(): void {
    if (!this.#isBurst) return this.#first();
    this.#unannounced += 1;
    if (this.#unannounced < CHUNKS_PER_ANNOUNCEMENT) return;
    this.#unannounced = 0;
    this.#announce();
  }

  /** Whether a source that always has a chunk ready has kept the process from its sockets for too long. */
  isPauseDue(): boolean {
    // Looks at the clock once an announcement: a look costs as much as a chunk.
    return this.#isBurst && this.#unannounced === 0 && this.#clock.now() - this.#runSince >= MAX_RUN_MS;
  }

  async pause(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
    this.#runSince = this.#clock.now();
  }

  #first(): void {
    this.#isBurst = true;
    // Announced first: clients write to their socket in the next turn too, and what comes before them there delays the text.
    this.#announce();
    this.#clock.nextTurn(() => {
      this.#isBurst = false;
      if (this.#unannounced === 0) return;
      this.#unannounced = 0;
      this.#first();
    });
  }
}
