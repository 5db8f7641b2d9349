// Runs whose source was opened beside their claim, and the claims that turn out to be theirs.

import type { Machine } from "./machine.ts";
import type { Run } from "./run.ts";
import type { Win } from "./world.ts";

export class BesideRuns {
  /** Those of which no claim is known yet. */
  readonly #unclaimed = new Set<Run>();
  /** Those whose calls haven't settled. */
  readonly #calling = new Set<Run>();

  add(run: Run): void {
    this.#unclaimed.add(run);
    this.#calling.add(run);
  }

  /** A claim of the machine's was granted: the run that it is taken for. */
  take(machine: Machine, streamId: string): Run | undefined {
    const run = [...this.#unclaimed].find((each) => each.machine === machine && each.streamId === streamId);
    if (run) this.#unclaimed.delete(run);
    return run;
  }

  /** The run's call has settled. Of two such calls in one process the claim of one may have been taken for the other's. */
  settled(run: Run, wins: readonly Win[]): void {
    this.#unclaimed.delete(run);
    this.#calling.delete(run);
    if (wins.some((win) => win.run === run)) return;
    const swapped = wins.find(
      (win) =>
        win.run !== undefined &&
        win.run.machine === run.machine &&
        win.streamId === run.streamId &&
        this.#calling.has(win.run),
    );
    if (!swapped?.run) return;
    this.#unclaimed.add(swapped.run);
    swapped.run = run;
  }
}
