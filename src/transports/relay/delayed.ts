// Answers that wait for a stream's end to be written, and no longer than its readers do.

import type { Clock } from "../../lib/clock.ts";

/** A little longer than readers wait: by then they have been told. */
const MAX_WAIT_MS = 260;
/** More than this don't wait: a flood of made-up questions must not grow the process. */
const MAX_WAITING = 1_000;

export interface DelayedOptions {
  clock: Clock;
  /** Whether readers here have been told the end: later than usual if the app takes the text first. */
  isTold: () => boolean;
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
    const { clock, isTold } = this.#options;
    const call = (): void => {
      cancel();
      this.#waiting.delete(key);
      callback();
    };
    const look = (): void => {
      if (isTold()) call();
      else cancel = clock.after(MAX_WAIT_MS, look);
    };
    let cancel = clock.after(MAX_WAIT_MS, look);
    this.#waiting.set(key, call);
  }

  /** From now on nobody waits. */
  release(): void {
    this.#isReleased = true;
    for (const call of this.#waiting.values()) call();
  }
}
