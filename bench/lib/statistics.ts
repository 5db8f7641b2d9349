export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The smallest value that at least this share of all is not above. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length) - 1;
  return sorted[Math.max(0, rank)] ?? Number.NaN;
}

/** How far the values lie apart, as a share of their median; NaN for fewer than two. */
export function spread(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const apart = Math.max(...values) - Math.min(...values);
  return apart === 0 ? 0 : apart / median(values);
}
