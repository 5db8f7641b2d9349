// A runner that runs a suite and tells which of its promises were broken, and how.

import type { Runner } from "../../src/testing.ts";

export interface Outcome {
  /** How many were run. */
  ran: number;
  /** By name. */
  broken: ReadonlyMap<string, string>;
}

/** Runs what `define` describes: all of it, or the promises named. */
export async function collect(
  define: (runner: Runner) => void,
  only?: (name: string) => boolean,
): Promise<Outcome> {
  const tests: { name: string; run: () => Promise<void> }[] = [];
  const path: string[] = [];
  define({
    describe: (name, inside) => {
      path.push(name);
      inside();
      path.pop();
    },
    test: (name, run) => tests.push({ name: [...path.slice(1), name].join(" > "), run }),
    seed: 1,
  });
  const chosen = tests.filter(({ name }) => only?.(name) ?? true);
  const broken = new Map<string, string>();
  await Promise.all(
    chosen.map(async ({ name, run }) => {
      try {
        await run();
      } catch (error) {
        broken.set(name, error instanceof Error ? error.message : String(error));
      }
    }),
  );
  return { ran: chosen.length, broken };
}
