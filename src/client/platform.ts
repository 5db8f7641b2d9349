// What a resumption uses of its platform, so that tests can stand in for it.

import type { Clock } from "../lib/clock.ts";

export interface Platform {
  fetch: typeof fetch;
  clock: Pick<Clock, "now" | "after" | "nextTurn">;
  /** From 0 up to 1. */
  random: () => number;
  /** Nothing can be reached until it is woken by `online`. */
  isOffline: () => boolean;
  /** Calls back when the network is back, or the page is looked at again; until `signal` aborts. */
  onWake: (callback: (why: "online" | "visible") => void, signal: AbortSignal) => void;
}

/** Platforms fire timers beyond it at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export function systemPlatform(): Platform {
  return {
    fetch: (...args) => fetch(...args),
    clock: {
      now: () => performance.now(),
      after: (delayMs, callback) => {
        const timer = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
        return () => clearTimeout(timer);
      },
      nextTurn: (callback) => void setTimeout(callback),
    },
    random: Math.random,
    isOffline: () => globalThis.navigator?.onLine === false,
    onWake: (callback, signal) => {
      const listener = ({ type }: Event): void => {
        if (type === "online") callback(type);
        else if (document.visibilityState === "visible") callback("visible");
      };
      // Both reach the window; Node has none.
      for (const type of ["online", "visibilitychange"]) {
        globalThis.addEventListener?.(type, listener, { signal });
      }
    },
  };
}
