// How a source is pumped: what it gives is announced, though not chunk by chunk in a burst, and nobody else is kept waiting.

import type { Clock } from "../lib/clock.ts";

/** In a burst one announcement serves this number of chunks: waking a reader costs several times what a chunk does. */
const CHUNKS_PER_ANNOUNCEMENT = 128;
/** The longest run without a pause. Far above the cost of a pause, far below what a person or a timeout notices. */
const MAX_RUN_MS = 5;

export class Pace {
  readonly #clock: Clock;
  readonly #announce: () => void;
  /** Chunks of this turn of the event loop. The first is announced at once, and the others together. */
  #inTurn = 0;
  /** When this turn was first found to be long; absent until then. */
  #longSince: number | undefined;

  constructor(clock: Clock, announce: () => void) {
    this.#clock = clock;
    this.#announce = announce;
  }

  /** A chunk came: announced at once if it is the first of its turn, with the others of a burst otherwise. */
  produced(): void {
    this.#inTurn += 1;
    if (this.#inTurn === 1) this.#begin();
    else if (this.#unannounced === 0) this.#announce();
  }

  /** Whether a source that always has a chunk ready has kept the process from its sockets for too long. */
  isPauseDue(): boolean {
    // A chunk alone in its turn keeps nobody. The clock is looked at once an announcement: a look costs as much as a chunk.
    if (this.#inTurn <= 1 || this.#unannounced > 0) return false;
    this.#longSince ??= this.#clock.now();
    return this.#clock.now() - this.#longSince >= MAX_RUN_MS;
  }

  pause(): Promise<void> {
    return new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
  }

  get #unannounced(): number {
    return (this.#inTurn - 1) % CHUNKS_PER_ANNOUNCEMENT;
  }

  #begin(): void {
    // Announced first: clients write to their socket in the next turn too, and what comes before them there delays the text.
    this.#announce();
    this.#clock.nextTurn(this.#onTurn);
  }

  /** One function for all turns: a stream of single chunks has as many turns as chunks. */
  readonly #onTurn = (): void => {
    const isRestLeft = this.#unannounced > 0;
    this.#inTurn = isRestLeft ? 1 : 0;
    this.#longSince = undefined;
    if (isRestLeft) this.#begin();
  };
}
