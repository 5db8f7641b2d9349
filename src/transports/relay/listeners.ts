// Who follows a stream: the follower processes a producer has heard of, and until when each stays interested.

import type { Cancel, Clock } from "../../lib/clock.ts";

/** More follower processes than this are served but not remembered: a flood of made-up ones must not grow the process. */
const MAX_LISTENERS = 10_000;

interface Listener {
  until: number;
  /** The furthest offset it has asked for. */
  reached: number;
}

export class Listeners {
  readonly #clock: Clock;
  readonly #onChange: (isWatched: boolean) => void;
  readonly #listeners = new Map<string, Listener>();
  #cancelSweep: Cancel | undefined;
  /** Whether the producer was told that somebody follows. */
  #isWatched = false;
  /** When a listener last got further; the producer's patience at the end counts from it. */
  progressedAt: number = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, onChange: (isWatched: boolean) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#listeners.size;
  }

  touch(listenerId: string, interest: { keepMs: number; reached: number }): void {
    const now = this.#clock.now();
    const known = this.#listeners.get(listenerId);
    if (!known && this.#listeners.size >= MAX_LISTENERS) return;
    if (!known || interest.reached > known.reached) this.progressedAt = now;
    const reached = Math.max(interest.reached, known?.reached ?? 0);
    this.#listeners.set(listenerId, { until: now + interest.keepMs, reached });
    this.#tell(true);
    this.#cancelSweep ??= this.#clock.after(interest.keepMs, () => this.#sweep());
  }

  remove(listenerId: string): void {
    if (this.#listeners.delete(listenerId) && this.#listeners.size === 0) this.clear();
  }

  /** Nobody hears what is published. Who was here may only have lost its connection: it is waited for at the end. */
  unheard(): void {
    this.#tell(false);
  }

  /** Nobody is there any more. */
  clear(): void {
    this.#listeners.clear();
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#tell(false);
  }

  #tell(isWatched: boolean): void {
    if (this.#isWatched === isWatched) return;
    this.#isWatched = isWatched;
    this.#onChange(isWatched);
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [listenerId, { until }] of this.#listeners) {
      if (until <= now) this.#listeners.delete(listenerId);
      else next = Math.min(next, until);
    }
    if (this.#listeners.size === 0) return this.clear();
    this.#cancelSweep = this.#clock.after(next - now, () => this.#sweep());
  }
}
