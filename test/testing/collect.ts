// A runner that runs a suite and tells which of its promises were broken, and how.

import type { Runner } from "../../src/testing.ts";

export interface Outcome {
  /** How many were run. */
  ran: number;
  /** By name. */
  broken: ReadonlyMap<string, string>;
}

/** Most tests wait for something; too many of those that work would hold up the ones that measure time. */
const AT_ONCE = 8;

/** Runs those of the promises that are chosen. */
export async function collect(
  define: (runner: Runner) => void,
  only: (name: string) => boolean,
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
  const chosen = tests.filter(({ name }) => only(name));
  const broken = new Map<string, string>();
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      try {
        await next.run();
      } catch (error) {
        broken.set(next.name, error instanceof Error ? error.message : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { ran: chosen.length, broken };
}
