// This process' knowledge of a server: whether it has fallen silent, and whether somebody was told.

import { type Clock, withDeadline } from "../../lib/clock.ts";
import { News } from "../../lib/news.ts";

/** While a server is silent its callers wait no longer than this: one has waited for it already. */
const AWAY_MS = 40;

export interface Wait {
  timeoutMs: number;
  /** No longer than `timeoutMs`, also if the server is at work on what was sent before. */
  isStrict: boolean;
  late: (timeoutMs: number) => Error;
}

export class Health {
  readonly #clock: Clock;
  readonly #isOrdered: boolean;
  /** A call got no answer within its time, and no other that was sent since. */
  #isSilent = false;
  /** When a call was last answered; absent until one was. */
  #answeredAt: number | undefined;
  readonly #news: News;

  /** @param isOrdered - whether the server answers in the order of what it is sent. */
  constructor(clock: Clock, isOrdered: boolean) {
    this.#clock = clock;
    this.#isOrdered = isOrdered;
    this.#news = new News(clock);
  }

  /** `answer`, in time. Sent all the same if the server is away: the first that is answered tells that it is back. */
  within<T>(answer: Promise<T>, { timeoutMs, isStrict, late }: Wait): Promise<T> {
    const patienceMs = this.#isSilent ? Math.min(timeoutMs, AWAY_MS) : timeoutMs;
    const sentAt = this.#clock.now();
    const heard = answer.then((value) => {
      this.#isSilent = false;
      this.#answeredAt = this.#clock.now();
      return value;
    });
    return withDeadline(this.#clock, heard, {
      timeoutMs: patienceMs,
      answeredAt: this.#isOrdered && !isStrict ? () => this.#answeredAt : undefined,
      late: () => {
        this.#isSilent ||= (this.#answeredAt ?? sentAt) <= sentAt;
        return late(patienceMs);
      },
    });
  }

  /** Whether this trouble is the first of an outage. */
  isNews(): boolean {
    return this.#news.isNew("outage");
  }
}
