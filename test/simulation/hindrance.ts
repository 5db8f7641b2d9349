/** Times in which something kept a process, or everything, from working as it should: what excuses an outcome. */
export class Hindrance {
  readonly #now: () => number;
  #ongoing = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  #beganAt = 0;
  #longestMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  begin(): void {
    if (this.#ongoing === 0) this.#beganAt = this.#now();
    this.#ongoing += 1;
  }

  end(): void {
    this.#ongoing -= 1;
    this.#endedAt = this.#now();
    this.#longestMs = Math.max(this.#longestMs, this.#endedAt - this.#beganAt);
  }

  /** Until when it lasted: now, where it still does; minus infinity where there never was any. */
  get until(): number {
    return this.#ongoing > 0 ? this.#now() : this.#endedAt;
  }

  /** Whether none was as long as this, and none lasts. */
  isBrief(limitMs: number): boolean {
    return this.#ongoing === 0 && this.#longestMs < limitMs;
  }
}
