// Tells the turns of the event loop apart. All streams of a context share it: however many give text in one turn, one look is
// made for the next.

import type { Clock } from "../lib/clock.ts";

export class Turns {
  readonly #clock: Clock;
  #current = 0;
  #isCounting = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A number that is another one in the next turn. */
  get current(): number {
    if (!this.#isCounting) {
      this.#isCounting = true;
      this.#clock.nextTurn(this.#onTurn);
    }
    return this.#current;
  }

  readonly #onTurn = (): void => {
    this.#isCounting = false;
    this.#current += 1;
  };
}
