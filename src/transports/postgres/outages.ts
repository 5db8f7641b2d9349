// Whether this process has just got its database back. While that was away nobody could renew a lease: a lapsed one tells nothing
// of its producer before that has had the time to come back, too.

import type { Clock } from "../../lib/clock.ts";

/** A producer tries again after a second at most, and a client may wait some before it connects. */
const SETTLING_MS = 5_000;

export class Outages {
  readonly #clock: Clock;
  #isAway = false;
  #backAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(): void {
    this.#isAway = true;
  }

  succeeded(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#backAt = this.#clock.now();
  }

  get isSettling(): boolean {
    return this.#isAway || this.#clock.now() - this.#backAt < SETTLING_MS;
  }
}
