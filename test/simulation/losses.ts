// What the server has lost for good: what a Redis without a second store can't keep, and what that excuses.

import type { Run } from "./run.ts";

/** How long a producer may take to write its end, and to write again what was lost. */
const WRITTEN_MS = 20_000;

export class Losses {
  /** When the server last lost its records. */
  wipedAt = Number.NEGATIVE_INFINITY;
  /** Keys that a Redis evicted. */
  readonly evictions: { streamId: string; at: number }[] = [];
  /** Records that a claim was written over, late and unasked: with a client that can't compare. */
  readonly overwrites: { streamId: string; at: number }[] = [];
  /** Replicas that took over, and since when they had got nothing. */
  readonly failOvers: { copiedAt: number; at: number }[] = [];

  /**
   * Whether a run's end, or its text, may be gone when nobody could write it again: the records were wiped, a key was evicted after
   * its end or its producer's death, a fail-over took back what had been acknowledged, or another claim was written over it. What else
   * is lost while a producer runs excuses nothing: it writes it again.
   */
  hasForgotten(run: Run): boolean {
    const overAt = Math.min(run.endedAt, run.machine.diedAt);
    // A producer that dies may not have come to write again what was lost before.
    const untilMs = run.machine.diedAt < run.endedAt ? WRITTEN_MS : 0;
    return (
      overAt - untilMs < this.wipedAt ||
      this.hasEvicted(run.streamId, overAt - untilMs) ||
      this.overwrites.some(({ at, streamId }) => streamId === run.streamId && at >= run.startedAt) ||
      this.failOvers.some(({ at, copiedAt }) => overAt <= at + untilMs && copiedAt <= overAt + WRITTEN_MS)
    );
  }

  hasEvicted(streamId: string, since: number): boolean {
    return this.evictions.some((each) => each.streamId === streamId && each.at >= since);
  }

  /** Whether a fail-over may have taken back what was acknowledged at this time, or soon after. */
  hasTakenBack(writtenAt: number): boolean {
    return this.failOvers.some(({ at, copiedAt }) => writtenAt <= at && copiedAt <= writtenAt + WRITTEN_MS);
  }
}
