// The processes that follow a stream, as far as its producer has heard of them, and until when each stays interested.

import type { Cancel, Clock } from "../../lib/clock.ts";

/** More follower processes than this are served but not remembered: a flood of made-up ones must not grow the process. */
const MAX_LISTENERS = 10_000;

/** A question: which, counted from 1, and for the text from where. */
interface Asked {
  requestId: number;
  from: number;
}

const NOTHING_ASKED: Asked = { requestId: 0, from: 0 };

interface Listener {
  until: number;
  /** Its last question. */
  asked: Asked;
  /** Its last two questions were for the same offset. */
  hasRepeated: boolean;
}

export class Interest {
  readonly #clock: Clock;
  readonly #onChange: (isWatched: boolean) => void;
  readonly #listeners = new Map<string, Listener>();
  #cancelSweep: Cancel | undefined;
  /** Whether the producer was told that somebody follows. */
  #isWatched = false;
  /** When a listener last asked something new; the producer's patience at the end counts from it. */
  progressedAt: number | undefined;

  constructor(clock: Clock, onChange: (isWatched: boolean) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#listeners.size;
  }

  touch(listenerId: string, interest: { keepMs: number; asked?: Asked }): void {
    const now = this.#clock.now();
    const known = this.#listeners.get(listenerId);
    if (!known && this.#listeners.size >= MAX_LISTENERS) return;
    const { asked, hasRepeated } = this.#progress(known, interest.asked ?? NOTHING_ASKED);
    this.#listeners.set(listenerId, { until: now + interest.keepMs, asked, hasRepeated });
    this.#tell(true);
    this.#cancelSweep ??= this.#clock.after(interest.keepMs, () => this.#sweep());
  }

  /**
   * A process makes progress when it asks for another offset than last time (it may have several followers), or repeats an
   * offset once (a reply may get lost). A second repeat isn't progress: no process can keep an ended producer for ever.
   */
  #progress(known: Listener | undefined, asked: Asked): Pick<Listener, "asked" | "hasRepeated"> {
    // A question that came again, or none.
    if (known && asked.requestId <= known.asked.requestId) return known;
    const isRepeated = known !== undefined && asked.from === known.asked.from;
    if (!known?.hasRepeated || !isRepeated) this.progressedAt = this.#clock.now();
    return { asked, hasRepeated: isRepeated };
  }

  /** Whether it is known; then it stays interested for longer. */
  renew(listenerId: string, keepMs: number): boolean {
    const known = this.#listeners.get(listenerId);
    if (!known) return false;
    known.until = Math.max(known.until, this.#clock.now() + keepMs);
    return true;
  }

  remove(listenerId: string): void {
    if (this.#listeners.delete(listenerId) && this.#listeners.size === 0) this.clear();
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
