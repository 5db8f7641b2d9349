// Answers that wait for a stream's end to be written: as long as its producer says, and then no longer than its readers do.

import type { Clock } from "../../lib/clock.ts";

/** A little longer than readers wait: by then they have been told. */
const MAX_WAIT_MS = 260;
/** More than this don't wait: a flood of made-up questions must not grow the process. */
const MAX_WAITING = 1_000;

export interface DelayedOptions {
  clock: Clock;
  /** Whether the end can't be written yet, because the app takes the text first. */
  isHeldUp: () => boolean;
}

export class Delayed {
  readonly #options: DelayedOptions;
  /** By who asks and which question, so that one that is asked again is answered once. */
  readonly #waiting = new Map<string, () => void>();
  #isReleased = false;

  constructor(options: DelayedOptions) {
    this.#options = options;
  }

  /** Calls back once: when released, or after a while. */
  wait(key: string, callback: () => void): void {
    if (this.#waiting.has(key)) return;
    if (this.#isReleased || this.#waiting.size >= MAX_WAITING) return callback();
    const { clock, isHeldUp } = this.#options;
    const call = (): void => {
      cancel();
      this.#waiting.delete(key);
      callback();
    };
    let wasHeldUp = isHeldUp();
    const again = (): void => {
      const isHeld = isHeldUp();
      // Once more after that: from then on the end is being written.
      const isDue = !isHeld && !wasHeldUp;
      wasHeldUp = isHeld;
      if (isDue) call();
      else cancel = clock.after(MAX_WAIT_MS, again);
    };
    let cancel = clock.after(MAX_WAIT_MS, again);
    this.#waiting.set(key, call);
  }

  /** From now on nobody waits. */
  release(): void {
    this.#isReleased = true;
    for (const call of this.#waiting.values()) call();
  }
}
