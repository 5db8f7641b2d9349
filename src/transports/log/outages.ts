// Whether this process's store is away, or has just come back. While it is away no caller waits for it a second time, and
// nobody can renew a lease: a lapsed one tells nothing of its producer before that has had the time to come back, too.

import type { Clock } from "../../lib/clock.ts";
import { News } from "../../lib/news.ts";

/**
 * How long producers have to come back to a store that was away: their clients try to connect every 2 s, ask each second whether
 * the server has loaded its file, and a write that failed is sent again within a second.
 */
export const SETTLING_MS = 5_000;

/** How long text waits for a store that takes none. Its readers in the producer's process have it all the same. */
export const MAX_OUTAGE_MS = 60_000;

export class Outages {
  readonly #clock: Clock;
  #isAway = false;
  /** When a request was last answered; absent until one was. */
  #answeredAt: number | undefined;
  /** When the store was last back; absent if it never was away. */
  #backAt: number | undefined;

  readonly #news: News;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#news = new News(clock);
  }

  /**
   * A request got no answer. Not where another that was sent since did: then it was that request's own trouble. `_error` says
   * whose trouble it is, to a store that is reached in more than one way.
   */
  failed(sentAt: number, _error?: unknown): void {
    this.#isAway ||= (this.#answeredAt ?? sentAt) <= sentAt;
  }

  succeeded(): void {
    this.#answeredAt = this.#clock.now();
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#backAt = this.#clock.now();
  }

  /**
   * A connection is back after long enough for leases to lapse: idle until then, this process may have asked for nothing. Or the
   * store was seen to take no writes: it may do so from now on.
   */
  reconnected(): void {
    this.#backAt = this.#clock.now();
  }

  /** Whether trouble of this kind is the first of an outage, in whatever context of this process. */
  isNews(kind: string): boolean {
    return this.#news.isNew(kind);
  }

  /** A request got no answer, and none that was sent since. */
  get isAway(): boolean {
    return this.#isAway;
  }

  get isSettling(): boolean {
    const isJustBack = this.#backAt !== undefined && this.#clock.now() - this.#backAt < SETTLING_MS;
    return this.#isAway || isJustBack;
  }
}
