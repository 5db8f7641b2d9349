import { setTimeout as pass } from "node:timers/promises";

export interface UntilOptions {
  withinMs?: number;
  /** Completes "waited … ms for"; a function tells what was seen last. */
  what: string | (() => string);
}

/** Asks until the answer is neither false nor undefined, and gives it; throws when it takes too long. */
export async function until<T>(
  ask: () => T | Promise<T>,
  { withinMs = 10_000, what }: UntilOptions,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    if (performance.now() > deadline)
      throw new Error(`Waited ${withinMs} ms for ${typeof what === "string" ? what : what()}`);
    await pass(10);
  }
}

/** Rejects when the promise takes longer. */
export async function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${limitMs} ms for ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
