// What a run leaves behind: the page for people, and the same as data for the next run to compare with.

import type { Line } from "./line.ts";

export interface Machine {
  processor: string;
  cores: number;
  memoryGiB: number;
  system: string;
}

export interface GroupResult {
  name: string;
  title: string;
  /** What its floor is, and what else a reader of the table has to know. */
  intro: string;
  lines: Line[];
  /** Why a contender has no value, a sentence for each. */
  failures: string[];
}

export interface Results {
  date: string;
  machine: Machine;
  /** Versions, by name. */
  versions: Record<string, string>;
  tookSeconds: number;
  groups: GroupResult[];
}

export function isSameMachine(one: Machine, other: Machine): boolean {
  return (
    one.processor === other.processor &&
    one.cores === other.cores &&
    one.memoryGiB === other.memoryGiB &&
    one.system === other.system
  );
}
