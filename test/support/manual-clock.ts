// Time that passes when a test says so.

import type { Clock } from "../../src/lib/clock.ts";

export interface ManualClock extends Clock {
  /** Lets so much time pass, and runs what becomes due, in order. */
  pass: (ms: number) => void;
  /** When each waiting timer is due, from now. */
  waiting: () => number[];
}

export function manualClock(): ManualClock {
  let now = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  const due = (until: number) => [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    wallTime: () => now,
    nextTurn: (callback) => void setImmediate(callback),
    after: (delayMs, callback) => {
      const timer = { at: now + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass: (ms) => {
      const until = now + ms;
      for (let timer = due(until); timer; timer = due(until)) {
        timers.delete(timer);
        now = timer.at;
        timer.callback();
      }
      now = until;
    },
    waiting: () => [...timers].map(({ at }) => at - now),
  };
}
