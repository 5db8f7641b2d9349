// A simulated process: it has a clock and timers, and may freeze, thaw or crash.

import type { Clock } from "../../src/lib/clock.ts";
import { Hindrance } from "./hindrance.ts";
import type { Timeline } from "./timeline.ts";

/** 2026-01-01 in Unix milliseconds. */
export const WALL_START_MS = 1_767_225_600_000;

export class Machine {
  readonly name: string;
  readonly clock: Clock;
  state: "running" | "frozen" | "dead" = "running";
  /** Timers of the library that wait. */
  timers = 0;
  /** Callbacks that wait for its next turn. */
  turns = 0;
  /** When it was frozen, or its connection didn't work. */
  readonly hindrance: Hindrance;
  diedAt: number = Number.POSITIVE_INFINITY;

  readonly #timeline: Timeline;
  /** Takes back the timers that wait: a dead process has none. */
  readonly #cancels = new Set<() => void>();
  /** What came while it was frozen. */
  readonly #held: Array<() => void> = [];
  /** How much of that it has still to do since it thawed: what comes now waits behind it. */
  #deferred = 0;

  constructor(options: { name: string; timeline: Timeline; skewMs: number }) {
    const { name, timeline, skewMs } = options;
    this.name = name;
    this.#timeline = timeline;
    this.hindrance = new Hindrance(() => timeline.now);
    this.clock = {
      now: () => timeline.now,
      wallTime: () => Math.floor(WALL_START_MS + timeline.now + skewMs),
      after: (delayMs, callback) => this.#timer(delayMs, callback),
      meanwhile: (delayMs, callback) => this.#timer(delayMs, callback),
      nextTurn: (callback) => this.#nextTurn(callback),
    };
  }

  /** Runs now, once it thaws, or never. */
  enter(run: () => void): void {
    if (this.state === "frozen") this.#held.push(run);
    else if (this.#deferred > 0) this.#defer(run);
    else if (this.state === "running") run();
  }

  /** Something of the simulation's own that happens inside this process. */
  after(delayMs: number, run: () => void): () => void {
    let isCancelled = false;
    this.#timeline.after(delayMs, () =>
      this.enter(() => {
        if (!isCancelled) run();
      }),
    );
    return () => {
      isCancelled = true;
    };
  }

  freeze(): void {
    if (this.state !== "running") return;
    this.state = "frozen";
    this.hindrance.begin();
  }

  thaw(): void {
    if (this.state !== "frozen") return;
    this.state = "running";
    this.hindrance.end();
    for (const run of this.#held.splice(0)) this.#defer(run);
  }

  crash(): void {
    this.state = "dead";
    this.diedAt = this.#timeline.now;
    this.#held.length = 0;
    for (const cancel of this.#cancels) cancel();
  }

  #defer(run: () => void): void {
    this.#deferred += 1;
    this.#timeline.after(0, () => {
      this.#deferred -= 1;
      if (this.state === "frozen") this.#held.push(run);
      else if (this.state === "running") run();
    });
  }

  #nextTurn(callback: () => void): void {
    this.turns += 1;
    this.#timeline.after(0, () =>
      this.enter(() => {
        this.turns -= 1;
        callback();
      }),
    );
  }

  /** As Node's: whole milliseconds, at least one. */
  #timer(delayMs: number, callback: () => void): () => void {
    this.timers += 1;
    let isWaiting = true;
    const settle = (): boolean => {
      const was = isWaiting;
      if (was) this.timers -= 1;
      isWaiting = false;
      this.#cancels.delete(cancel);
      return was;
    };
    const cancel = this.#timeline.after(Math.max(1, Math.trunc(delayMs)), () =>
      this.enter(() => {
        if (settle()) callback();
      }),
    );
    this.#cancels.add(cancel);
    return () => {
      settle();
      // A frozen process's timer is held by now: `settle` has disarmed it.
      cancel();
    };
  }
}
