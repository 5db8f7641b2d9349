// Time that passes when a test says so.

import type { Cancel, Clock } from "../../src/lib/clock.ts";

export interface ManualClock extends Clock {
  /** Lets so much time pass, and runs what becomes due, in order. */
  pass: (ms: number) => void;
  /** Holds the process up for so long: what became due meanwhile runs late, at its end. */
  stall: (ms: number) => void;
  /** Ends the turn of the event loop, for those who wait for the next. */
  turn: () => void;
  /** How many wait for the next turn. */
  waitingForTurn: () => number;
  /** When each waiting timer is due, from now. */
  waiting: () => number[];
}

export function manualClock(): ManualClock {
  let now = 0;
  let turns: (() => void)[] = [];
  const timers = new Set<{ at: number; callback: () => void }>();
  const nextDue = (until: number) =>
    [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  const after = (delayMs: number, callback: () => void): Cancel => {
    const timer = { at: now + delayMs, callback };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  return {
    now: () => now,
    wallTime: () => now,
    after,
    meanwhile: after,
    nextTurn: (callback) => void turns.push(callback),
    turn: () => {
      const due = turns;
      turns = [];
      for (const callback of due) callback();
    },
    waitingForTurn: () => turns.length,
    pass: (ms) => {
      const until = now + ms;
      for (let timer = nextDue(until); timer; timer = nextDue(until)) {
        timers.delete(timer);
        now = timer.at;
        timer.callback();
      }
      now = until;
    },
    stall: (ms) => {
      now += ms;
      for (let timer = nextDue(now); timer; timer = nextDue(now)) {
        timers.delete(timer);
        timer.callback();
      }
    },
    waiting: () => [...timers].map(({ at }) => at - now),
  };
}
