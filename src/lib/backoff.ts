/** Doubles from `firstMs` to `maxMs` with each attempt, counted from 0. */
export function backoffMs(attempt: number, bounds: { firstMs: number; maxMs: number }): number {
  return Math.min(bounds.firstMs * 2 ** Math.min(attempt, 30), bounds.maxMs);
}
