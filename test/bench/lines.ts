import { atMost, type Line } from "../../bench/lib/line.ts";
import type { GroupResult, Results } from "../../bench/lib/results.ts";

export function lineOf(given: Partial<Line> = {}): Line {
  return { label: "a line", unit: "ms", values: { ours: 1 }, bounds: [atMost(2)], ...given };
}

export function groupOf(lines: Line[], given: Partial<GroupResult> = {}): GroupResult {
  return { name: "relay", title: "Redis", intro: "", lines, failures: [], ...given };
}

export function resultsOf(lines: Line[], given: Partial<Results> = {}): Results {
  return {
    date: "2026-01-01",
    machine: { processor: "a processor", cores: 2, memoryGiB: 8, system: "Linux" },
    versions: { Node: "20.0.0" },
    tookSeconds: 61,
    groups: [groupOf(lines)],
    ...given,
  };
}
