// What a resumption uses of its platform, so that tests can stand in for it.

import type { Clock } from "../lib/clock.ts";

export interface Platform {
  fetch: typeof fetch;
  clock: Pick<Clock, "now" | "after" | "nextTurn">;
  /** From 0 up to 1. */
  random: () => number;
  /** Nothing can be reached until it is woken by `online`. */
  isOffline: () => boolean;
  /** Calls back when the network is back, or the page is looked at again. Returns what takes it back. */
  onWake: (callback: (why: "online" | "visible") => void) => () => void;
}

const wakeEvents = ["online", "visibilitychange"];

export function systemPlatform(): Platform {
  return {
    fetch: (...args) => fetch(...args),
    clock: {
      now: () => performance.now(),
      after: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
      nextTurn: (callback) => void setTimeout(callback),
    },
    random: Math.random,
    isOffline: () => globalThis.navigator?.onLine === false,
    onWake: (callback) => {
      const listener = ({ type }: Event): void => {
        if (type === "online") callback(type);
        else if (document.visibilityState === "visible") callback("visible");
      };
      // Both reach the window; Node has none.
      for (const type of wakeEvents) globalThis.addEventListener?.(type, listener);
      return () => {
        for (const type of wakeEvents) globalThis.removeEventListener?.(type, listener);
      };
    },
  };
}
