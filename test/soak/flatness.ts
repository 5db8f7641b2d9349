// Whether something that is measured again and again grows, though the load doesn't. Pure.

/** Fewer can't be told from chance. */
const LEAST_SAMPLES = 9;
const MOST_GROWTH = 1.2;

/**
 * What is wrong with a series of measurements under a steady load; undefined if nothing is. Medians of thirds, so that a peak or a
 * collection that is due moves nothing, and the first third is left out, in which caches and compiled code grow.
 *
 * @param allowance - what a third may be above the one before for other reasons than a leak.
 */
export function growth(name: string, samples: readonly number[], allowance: number): string | undefined {
  if (samples.length < LEAST_SAMPLES) return `${name} was measured ${samples.length} times only`;
  const third = Math.floor(samples.length / 3);
  const middle = median(samples.slice(third, 2 * third));
  const last = median(samples.slice(2 * third));
  if (last <= middle * MOST_GROWTH + allowance) return undefined;
  return `${name} grew from ${middle} to ${last} while the load was steady (G7, G9)`;
}

function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** What there is more of than expected, each as a line. */
export function leftovers(
  counted: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
): string[] {
  return Object.entries(counted)
    .filter(([name, count]) => count > (expected[name] ?? 0))
    .map(([name, count]) => `${count} ${name}, expected ${expected[name] ?? 0}`);
}

/** How many there are of each. */
export function tally(kinds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
