// Time, injected wherever something waits, so that tests and simulations can move it.

import { onAbort } from "./abort.ts";

/** Cancels a timer; calling it again, or late, does nothing. */
export type Cancel = () => void;

/** Milliseconds that only move forward, and timers on them. */
export interface Clock {
  /** Milliseconds since an arbitrary moment. */
  now(): number;
  /** Milliseconds since 1970, for numbers that other machines compare. */
  wallTime(): number;
  after(delayMs: number, callback: () => void): Cancel;
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
  nextTurn: (callback) => {
    // Node's and Bun's `setImmediate` doesn't wait a millisecond for it.
    const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
    if (setImmediate) setImmediate(callback);
    else setTimeout(callback, 0);
  },
};

/** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      cancel();
      stopListening?.();
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    const stopListening = signal && onAbort(signal, finish);
  });
}

/** `promise`, or the rejection `late()` makes once `timeoutMs` have passed. The late answer is then ignored. */
export function withDeadline<T>(
  clock: Clock,
  promise: Promise<T>,
  deadline: { timeoutMs: number; late: () => Error },
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(deadline.timeoutMs, () => reject(deadline.late()));
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
