// One group: its server is started once, and each of its rows that is asked for is measured.

import { measureRow } from "./measure-row.ts";
import type { GroupResult } from "./results.ts";
import type { Group } from "./row.ts";

export interface MeasuredGroup {
  result: GroupResult;
  versions: Record<string, string>;
}

/** Undefined if none of its rows is asked for. */
export async function measureGroup<Setting extends AsyncDisposable>(
  { name, title, intro, rows, start, versions }: Group<Setting>,
  words: readonly string[],
): Promise<MeasuredGroup | undefined> {
  const asked = rows.filter(
    (row) => words.length === 0 || words.some((word) => `${name} ${row.name}`.includes(word)),
  );
  if (asked.length === 0) return undefined;
  await using setting = await start();
  const result: GroupResult = { name, title, intro, lines: [], failures: [] };
  for (const row of asked) {
    const startedAt = performance.now();
    const measured = await measureRow(row, setting);
    result.lines.push(...measured.lines);
    result.failures.push(...measured.failures);
    process.stderr.write(
      `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${name}: ${row.name}\n`,
    );
  }
  return { result, versions: await versions(setting) };
}
