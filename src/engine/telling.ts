// When readers in the producer's process are given its end: who waits for that, and how long the store may take.

import type { Cancel, Clock } from "../lib/clock.ts";
import { createDeferred, type Deferred } from "../lib/deferred.ts";

/** How long the last text waits to be stored before it is handed over, and its end to be written before readers are given it. */
export const MAX_BACKEND_WAIT_MS = 250;

export class Telling {
  readonly #clock: Clock;
  readonly #onOverdue: () => void;
  #isTold = false;
  /** Absent until somebody waits. */
  #waiting: Deferred<void> | undefined;
  #cancel: Cancel = () => {};

  /** @param onOverdue - the store has had its time, and the end is told without it. */
  constructor(clock: Clock, onOverdue: () => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  /** The end is on its way to the store. */
  expect(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(MAX_BACKEND_WAIT_MS, this.#onOverdue);
  }

  told(): void {
    this.#isTold = true;
    this.#cancel();
    this.#waiting?.resolve();
  }

  /** Settles when readers have been given the end. Never rejects. */
  async done(): Promise<void> {
    if (this.#isTold) return;
    this.#waiting ??= createDeferred<void>();
    await this.#waiting.promise;
  }
}
