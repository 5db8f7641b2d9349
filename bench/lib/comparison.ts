// This run against the one before it, on the same machine: which lines got worse.

import { ratioTo, type Line } from "./line.ts";
import { isSameMachine, type Results } from "./results.ts";
import { median } from "./statistics.ts";

/** A change below this share is none. */
const LEAST_CHANGE = 0.1;

export interface Change {
  group: string;
  label: string;
  /** By how much more it takes, as a share: 0.25 is a quarter. */
  worse: number;
  /** The greater noise of the two runs. */
  noise: number;
}

export type Comparison =
  | { kind: "none"; why: string }
  | {
      kind: "compared";
      with: string;
      /** Worse by more than the noise of both runs. */
      worse: Change[];
      /** Worse, but no more than the floor itself differs from round to round. */
      unclear: Change[];
    };

export function compare(now: Results, before: Results | undefined): Comparison {
  if (before === undefined) return { kind: "none", why: "there is no earlier run" };
  if (!isSameMachine(now.machine, before.machine))
    return { kind: "none", why: `the run of ${before.date} was on another machine` };
  const earlier = new Map(before.groups.flatMap(keyed));
  const usual = Math.max(usualNoise(now), usualNoise(before));
  const changes = now.groups.flatMap((group) =>
    keyed(group).flatMap(([key, line]): Change[] => {
      const previous = earlier.get(key);
      if (previous === undefined) return [];
      const noise = Math.max(line.noise ?? usual, previous.noise ?? usual);
      const change = { group: group.title, label: line.label, worse: worseBy(line, previous), noise };
      return change.worse > LEAST_CHANGE ? [change] : [];
    }),
  );
  return {
    kind: "compared",
    with: before.date,
    worse: changes.filter(({ worse, noise }) => worse > noise),
    unclear: changes.filter(({ worse, noise }) => worse <= noise),
  };
}

/** Of a line that was measured once, and so has none of its own. */
function usualNoise({ groups }: Results): number {
  const noises = groups.flatMap(({ lines }) => lines.flatMap(({ noise }) => noise ?? []));
  return noises.length === 0 ? 0 : median(noises);
}

function keyed({ name, lines }: Results["groups"][number]): [string, Line][] {
  return lines.map((line) => [`${name}: ${line.label}`, line]);
}

/** As a share of what it took before. */
function worseBy(now: Line, before: Line): number {
  const [one, other] = [cost(now), cost(before)];
  // A line that could be measured, and can't be any more, is worse than any other.
  if (Number.isNaN(one) && !Number.isNaN(other)) return Number.POSITIVE_INFINITY;
  if (other === 0) return one === 0 ? 0 : Number.POSITIVE_INFINITY;
  return one / other - 1;
}

/** Beside the floor, or else the published library: a slow minute of the machine slows both. Less is better. */
function cost(line: Line): number {
  const value = ratioTo("floor", line) ?? ratioTo("published", line) ?? line.values.ours ?? Number.NaN;
  return line.bounds[0]?.is === "at least" ? 1 / value : value;
}
