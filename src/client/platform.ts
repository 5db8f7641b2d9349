// What a resumption uses of its platform, so that tests can stand in for it.

import type { Cancel, Clock } from "../lib/clock.ts";

export interface Platform {
  fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  clock: Pick<Clock, "now" | "wallTime" | "after" | "nextTurn">;
  /** From 0 up to 1. */
  random: () => number;
  /** The platform takes itself for offline. It may be wrong. */
  isOffline: () => boolean;
  /** Calls back when the network is back, or the page is looked at again; until `signal` aborts. */
  onWake: (callback: (why: "online" | "visible") => void, signal: AbortSignal) => void;
}

/** A timer stands still while the machine sleeps. The time of day doesn't, and is looked at every `LOOK_MS`. */
const LOOK_MS = 5_000;
/** A timer that is so late belongs to a process that was held up. What came meanwhile is given time to be read. */
const LATE_MS = 250;
const GRACE_MS = 1_000;

/** Options of a page's own requests: Firefox has one wait for its cache while another reads the same URL, in another tab, say. */
export function pastCache(): RequestInit {
  return globalThis.location ? { cache: "no-store" } : {};
}

export function systemPlatform(): Platform {
  return {
    fetch: (...args) => fetch(...args),
    clock: {
      now: () => performance.now(),
      wallTime: () => Date.now(),
      after,
      nextTurn: (callback) => void setTimeout(callback),
    },
    random: Math.random,
    isOffline: () => globalThis.navigator?.onLine === false,
    onWake: (callback, signal) => {
      const listener = ({ type }: Event): void => {
        if (type === "online") callback(type);
        else if (document.visibilityState === "visible") callback("visible");
      };
      // Both reach the window; Node has none. Taken back by hand: jsdom refuses a signal that isn't its own.
      for (const type of ["online", "visibilitychange"]) {
        globalThis.addEventListener?.(type, listener);
        signal.addEventListener("abort", () => globalThis.removeEventListener?.(type, listener));
      }
    },
  };
}

function after(delayMs: number, callback: () => void): Cancel {
  let leftMs = delayMs;
  let hadGrace = false;
  let timer: ReturnType<typeof setTimeout>;
  const arm = (): void => {
    const ms = Math.min(leftMs, LOOK_MS);
    const armedAt = Date.now();
    timer = setTimeout(() => {
      // By the timer at least: somebody may set the time of day back.
      const tookMs = Math.max(Date.now() - armedAt, ms);
      leftMs -= tookMs;
      if (leftMs <= 0 && (hadGrace || tookMs - ms < LATE_MS)) return callback();
      // Once: a hidden page's timers are late each time.
      if (leftMs <= 0) [leftMs, hadGrace] = [GRACE_MS, true];
      arm();
    }, ms);
  };
  arm();
  return () => clearTimeout(timer);
}
