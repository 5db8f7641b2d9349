// Time, injected wherever something waits, so that tests and simulations can move it.

import type { Latch } from "./latch.ts";

/** Cancels a timer; calling it again, or late, does nothing. */
export type Cancel = () => void;

/** Milliseconds that only move forward, and timers on them. */
export interface Clock {
  /** Milliseconds since an arbitrary moment. */
  now(): number;
  /** Milliseconds since 1970, for numbers that other machines compare. */
  wallTime(): number;
  /** Calls back once, after `delayMs`, unless it is cancelled before. */
  after(delayMs: number, callback: () => void): Cancel;
  /** The same, for what a process that has nothing else to do needn't stay for. */
  meanwhile(delayMs: number, callback: () => void): Cancel;
  /** Calls back once everything else that waits has had its turn. */
  nextTurn(callback: () => void): void;
}

/** Platforms fire timers beyond it at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The platform's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
    return () => clearTimeout(timer);
  },
  meanwhile: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
    // A number by web standards, which keeps no process.
    if (typeof timer === "object") timer.unref();
    return () => clearTimeout(timer);
  },
  nextTurn: (callback) => {
    // Node's and Bun's `setImmediate` doesn't wait a millisecond for it.
    const { setImmediate = setTimeout } = globalThis as { setImmediate?: (callback: () => void) => unknown };
    try {
      setImmediate(callback);
    } catch {
      // That of Next.js' Edge runtime only throws.
      setTimeout(callback, 0);
    }
  },
};

/** Resolves after `delayMs`, or at once when `over` is set. Never rejects. */
export function sleep(clock: Clock, delayMs: number, over?: Latch): Promise<void> {
  return new Promise((resolve) => {
    if (over?.isSet) return resolve();
    const finish = (): void => {
      cancel();
      stopListening?.();
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    const stopListening = over?.onSet(finish);
  });
}

/** A timer that comes so much later than it was due tells that the process was held up, by a burst of work or a freeze. */
const HELD_UP_MS = 200;
/** In which the answers that came meanwhile are read: timers go before sockets. */
const CATCH_UP_MS = 1_000;

/** The longest wait, in deadlines, however long the other side is at work on what was sent before. */
const MAX_DEADLINES = 5;

export interface Deadline {
  timeoutMs: number;
  late: () => Error;
  /**
   * When the other side last answered anything, if it answers in the order of what it is sent: until then it was at work on what
   * came before, and the time counts from there. Undefined before its first answer; absent if there is no such order.
   */
  answeredAt?: (() => number | undefined) | undefined;
}

/**
 * `promise`, or the rejection `late()` makes once `timeoutMs` have passed. The late answer is then ignored. A process that was
 * held up until then reads what it was sent first: its own stall is no silence of the other side.
 */
export function withDeadline<T>(
  clock: Clock,
  promise: Promise<T>,
  { timeoutMs, late, answeredAt }: Deadline,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const lastDueAt = clock.now() + MAX_DEADLINES * timeoutMs;
    let cancel: Cancel;
    const wait = (dueAt: number, hasCaughtUp: boolean): void => {
      cancel = clock.after(dueAt - clock.now(), () => {
        const now = clock.now();
        const nextDueAt = Math.min((answeredAt?.() ?? -Infinity) + timeoutMs, lastDueAt);
        if (nextDueAt > now) return wait(nextDueAt, hasCaughtUp);
        if (hasCaughtUp || now - dueAt < HELD_UP_MS) return reject(late());
        wait(now + Math.min(CATCH_UP_MS, timeoutMs), true);
      });
    };
    wait(clock.now() + timeoutMs, false);
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
