// Answers that wait for a stream's end to be written, and no longer than its readers do.

import type { Clock } from "../../lib/clock.ts";

/** A little longer than readers wait: by then they have been told. */
const MAX_WAIT_MS = 260;
/** More than this don't wait: a flood of made-up questions must not grow the process. */
const MAX_WAITING = 1_000;

export class Delayed {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #isReleased = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls back once: when released, or after a while. */
  wait(callback: () => void): void {
    if (this.#isReleased || this.#waiting.size >= MAX_WAITING) return callback();
    const call = (): void => {
      cancel();
      this.#waiting.delete(call);
      callback();
    };
    const cancel = this.#clock.after(MAX_WAIT_MS, call);
    this.#waiting.add(call);
  }

  /** From now on nobody waits. */
  release(): void {
    this.#isReleased = true;
    for (const call of this.#waiting) call();
  }
}
