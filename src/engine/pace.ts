// How a source is pumped: what it gives is announced, though not chunk by chunk in a burst, and nobody else is kept waiting.

import type { Clock } from "../lib/clock.ts";
import type { Turns } from "./turns.ts";

/** Chunks that one announcement serves in a burst: waking a reader costs several times what a chunk does. */
const CHUNKS_PER_ANNOUNCEMENT = 128;
/** The longest run without a pause. Far above the cost of a pause, far below what a person or a timeout notices. */
const MAX_RUN_MS = 5;

export interface PaceOptions {
  clock: Clock;
  turns: Turns;
  announce: () => void;
}

export class Pace {
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #tellAnnounced: () => void;
  /** The turn of the event loop in which the last chunk came. */
  #turn: number | undefined;
  /** Whether it wasn't the first of its turn. */
  #isBurst = false;
  /** Chunks since the last announcement. */
  #unannounced = 0;
  #isRestAwaited = false;
  /** When this turn was first found to be long; absent until then. */
  #longSince: number | undefined;

  constructor({ clock, turns, announce }: PaceOptions) {
    this.#clock = clock;
    this.#turns = turns;
    this.#tellAnnounced = announce;
  }

  /** A chunk came: announced at once if it is the first of its turn, with the others of a burst otherwise. */
  produced(): void {
    const turn = this.#turns.current;
    this.#isBurst = this.#turn === turn;
    if (!this.#isBurst) return this.#begin(turn);
    this.#unannounced += 1;
    if (this.#unannounced === CHUNKS_PER_ANNOUNCEMENT) return this.#announce();
    if (this.#isRestAwaited) return;
    this.#isRestAwaited = true;
    this.#clock.nextTurn(this.#onTurn);
  }

  /** Whether a source that always has a chunk ready has kept the process from its sockets for too long. */
  isPauseDue(): boolean {
    // A chunk alone in its turn keeps nobody. The clock is looked at once an announcement: a look costs as much as a chunk.
    if (!this.#isBurst || this.#unannounced > 0) return false;
    this.#longSince ??= this.#clock.now();
    return this.#clock.now() - this.#longSince >= MAX_RUN_MS;
  }

  pause(): Promise<void> {
    return new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
  }

  #begin(turn: number): void {
    this.#turn = turn;
    this.#longSince = undefined;
    this.#announce();
  }

  #announce(): void {
    this.#unannounced = 0;
    this.#tellAnnounced();
  }

  /** One function for all turns: a stream of bursts has as many as those. */
  readonly #onTurn = (): void => {
    this.#isRestAwaited = false;
    if (this.#unannounced > 0) this.#begin(this.#turns.current);
  };
}
