// How long is waited before an attempt, and the first request's own attempts.

import { mayPass, retryAfterMs } from "./answer.ts";
import type { Cancel } from "../lib/clock.ts";
import type { Platform } from "./platform.ts";

// Doubled here: lib/backoff.ts would cost 34 bytes more of the few that the client may have.
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export interface Wait {
  /** Counted from 0. */
  attempt: number;
  /** How long the server wants not to be asked, in milliseconds. */
  afterMs: number;
}

export function waitMs({ attempt, afterMs }: Wait, { isOffline, random }: Platform): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
  // Many readers that one server dropped must not come back as one. Offline is a hint, and may be wrong.
  return afterMs + longest * (isOffline() ? 2 : 0.5 + random() / 2);
}

export interface FirstRequest {
  ask: () => Promise<Response>;
  /** How often it may be asked again; 0 if that might do something twice. */
  maxAttempts: number;
  signal: AbortSignal | null | undefined;
}

/** The first answer that another attempt wouldn't change; if there is none, what the last attempt brought. */
export async function firstAnswer(
  platform: Platform,
  { ask, maxAttempts, signal }: FirstRequest,
): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const isLast = attempt >= maxAttempts;
    let afterMs = 0;
    try {
      const response = await ask();
      if (isLast || !mayPass(response.status)) return response;
      afterMs = retryAfterMs(response.headers, platform.clock.wallTime()) ?? 0;
      await response.body?.cancel();
    } catch (error) {
      // As `fetch` throws for a network that failed. By its name: under Jest the class is another realm's.
      if (isLast || signal?.aborted || !/^(Type|Network)Error/.test(String(error))) throw error;
    }
    let cancel: Cancel | undefined;
    const due = new Promise<void>((resolve) => {
      cancel = platform.clock.after(waitMs({ attempt, afterMs }, platform), resolve);
    });
    await unlessAborted(due, signal).finally(cancel);
  }
}

/** The value, unless `signal` aborts before: a function of the caller's may take no notice of it. */
export function unlessAborted<Value>(
  value: Value | Promise<Value>,
  signal: AbortSignal | null | undefined,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal && reasonOf(signal));
    if (signal?.aborted) leave();
    signal?.addEventListener("abort", leave);
    Promise.resolve(value)
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener("abort", leave));
  });
}

/** A signal's reason. Browsers of before 2022 give none. */
export function reasonOf(signal: AbortSignal): Error {
  return (signal.reason as Error | undefined) ?? new DOMException("The request was aborted.", "AbortError");
}
