export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The smallest value that at least this share of all is not above. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length) - 1;
  return sorted[Math.max(0, rank)] ?? Number.NaN;
}
