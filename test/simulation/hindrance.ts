/** Times in which something kept a process, or everything, from working as it should: what excuses an outcome. */
export class Hindrance {
  readonly #now: () => number;
  #ongoing = 0;
  #endedAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  begin(): void {
    this.#ongoing += 1;
  }

  end(): void {
    this.#ongoing -= 1;
    this.#endedAt = this.#now();
  }

  /** Until when it lasted: now, where it still does; minus infinity where there never was any. */
  get until(): number {
    return this.#ongoing > 0 ? this.#now() : this.#endedAt;
  }
}
