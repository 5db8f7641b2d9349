// What a disturbance excuses, and for how long after it.

import type { Disturbance, Span } from "./observed.ts";

/**
 * How long after a disturbance its effects are seen: a silence, the proof of a death and a subscriber that has to come back
 * over a relay (docs/failure-modes.md), and over a log a lease, the looks at it and the patience after a restart.
 */
export const EXCUSED_MS = 20_000;

export interface Excuses {
  /** Whether something disturbed one of the processes, or all, in a span or shortly before. */
  disturb: (span: Span, processes: readonly string[]) => boolean;
  /** For how long a process couldn't run in a span. */
  heldUpMs: (span: Span, process: string) => number;
  /** How long what disturbed the processes in a span took. */
  longMs: (span: Span, processes: readonly string[]) => number;
}

export function excuse(disturbances: readonly Disturbance[]): Excuses {
  const touching = (span: Span, processes: readonly string[], afterMs: number): Disturbance[] =>
    disturbances.filter(
      ({ from, to, process }) =>
        from <= span.to &&
        to + afterMs >= span.from &&
        (process === undefined || processes.includes(process)),
    );
  return {
    disturb: (span, processes) => touching(span, processes, EXCUSED_MS).length > 0,
    heldUpMs: (span, process) =>
      total(
        touching(span, [process], 0).filter(({ kind }) => kind === "frozen" || kind === "machine busy"),
        span,
      ),
    longMs: (span, processes) => {
      const all = touching(span, processes, 0);
      const last = Math.max(...all.map(({ to }) => Math.min(to, span.to)), span.from);
      // Each one starts everybody's patience over.
      return last - span.from;
    },
  };
}

function total(disturbances: readonly Disturbance[], span: Span): number {
  return disturbances.reduce(
    (sum, { from, to }) => sum + Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)),
    0,
  );
}
