// A runner that works on any runtime: it gathers a suite's tests, runs some at a time, and tells each outcome.

import type { Runner } from "resumable-stream/testing";

/** A line of what a program prints. */
export interface Outcome {
  name: string;
  /** Why its promise is broken; absent where it holds. */
  error?: string;
}

/** Each waits for time-outs most of the time. */
const MAX_AT_ONCE = 16;

/** Returns how many there are. */
export async function collect(
  define: (runner: Runner) => void,
  tell: (outcome: Outcome) => void,
): Promise<number> {
  const tests: { name: string; run: () => Promise<void> }[] = [];
  const path: string[] = [];
  define({
    describe: (name, inside) => {
      path.push(name);
      inside();
      path.pop();
    },
    test: (name, run) => tests.push({ name: [...path, name].join(" > "), run }),
  });
  const count = tests.length;
  const work = async (): Promise<void> => {
    for (let next = tests.shift(); next; next = tests.shift()) {
      const { name, run } = next;
      try {
        await run();
        tell({ name });
      } catch (error) {
        tell({ name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, work));
  return count;
}
