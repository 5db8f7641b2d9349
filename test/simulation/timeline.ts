// Virtual time: what is due happens in order, and everything it set in motion comes to rest before the next.

import type { Cancel } from "../../src/lib/clock.ts";

interface Due {
  readonly at: number;
  /** Ties happen in the order they were made. */
  readonly order: number;
  /** Absent once cancelled. */
  run: (() => void) | undefined;
}

export class Timeline {
  /** Milliseconds since the simulation began. */
  now = 0;
  /** How many things have happened. */
  steps = 0;

  #made = 0;
  /** A binary heap: the first is due first. */
  readonly #heap: Due[] = [];

  at(time: number, run: () => void): Cancel {
    const due: Due = { at: Math.max(time, this.now), order: this.#made++, run };
    this.#push(due);
    return () => {
      due.run = undefined;
    };
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.at(this.now + delayMs, run);
  }

  /** Runs until nothing is due by `until`, or `check` says stop. Returns whether anything is left. */
  async run(until: number, check: () => "go on" | "stop"): Promise<"idle" | "late" | "stopped"> {
    for (;;) {
      const next = this.#heap[0];
      if (!next) return "idle";
      if (!next.run) {
        this.#pop();
        continue;
      }
      if (next.at > until) return "late";
      this.#pop();
      this.now = next.at;
      this.steps += 1;
      next.run();
      await atRest();
      if (check() === "stop") return "stopped";
    }
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let index = heap.push(due) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || isBefore(above, due)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      const right = heap[child + 1];
      if (!left) break;
      if (right && isBefore(right, left)) child += 1;
      const smaller = right && isBefore(right, left) ? right : left;
      if (isBefore(last, smaller)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Node runs every microtask, those that microtasks make included, before the next immediate: about 1.5 µs. */
export function atRest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
