// Work of one kind, in the order in which it came, and only a few pieces of it at a time.

export class Gate {
  readonly #limit: number;
  #running = 0;
  #waiting: Array<() => void> = [];
  /** How many of `#waiting` have gone through: an array that is shifted 10,000 times is copied as often. */
  #passed = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Does the work once fewer than the limit are at it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) await this.#turn();
    else this.#running += 1;
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Its place goes to the next, who need not ask for it. */
  #leave(): void {
    const next = this.#waiting[this.#passed];
    if (!next) {
      this.#running -= 1;
      return;
    }
    this.#passed += 1;
    if (this.#passed === this.#waiting.length) {
      this.#waiting = [];
      this.#passed = 0;
    }
    next();
  }
}
