// Processes that a test can harm, and what they leave behind.

import type { ResumableStreamError } from "../port/errors.ts";
import type { CommonOptions } from "../api/common-options.ts";
import type { DurableStreamContext } from "../api/types.ts";

/** A cut connection loses the calls that are sent over it, or only the answers to calls that were carried out. */
export type Losing = "calls" | "answers";

/** One process, and what a test may do to it. */
export interface FaultyProcess {
  context: DurableStreamContext;
  /** The errors that `onError` was told. */
  reported: ResumableStreamError[];
  /** Nothing gets through, either way or only to it, until it is mended. Not both in turn. @defaultValue "calls" */
  cut: (losing?: Losing) => void;
  mend: () => void;
  /** Calls fail at once, until told otherwise. */
  reject: (state: "rejecting" | "working") => void;
  /** Ends it as a crash does, without a last word. */
  kill: () => void;
}

export interface FaultyWorld {
  /** Where this test's chance starts. */
  seed: number;
  /** As the backend says of itself; known once there is a process. */
  readonly keepsText: boolean;
  /** `badly`: what it hears gets lost, comes twice, late and in another order. @defaultValue "well" */
  createProcess: (delivery?: "well" | "badly") => Promise<FaultyProcess>;
}

/** Short, so that a test that waits for them takes seconds. */
export const QUICK = { ackTimeoutMs: 1_500, livenessMs: 1_500, claimTimeoutMs: 1_500, lingerMs: 3_000 };

/** On a bad line an answer takes several attempts; silence means less. */
const PATIENT = { ...QUICK, ackTimeoutMs: 4_000 };

/** The processes of one test: mended and closed after it, and what they gave to `waitUntil` has settled then. */
export class Processes {
  readonly #processes: FaultyProcess[] = [];
  readonly #kept: Promise<unknown>[] = [];

  /** `open` makes the context, with options that report to its process. */
  add(
    delivery: "well" | "badly",
    open: (options: CommonOptions) => Omit<FaultyProcess, "reported">,
  ): FaultyProcess {
    const reported: ResumableStreamError[] = [];
    const process = open({
      ...(delivery === "badly" ? PATIENT : QUICK),
      waitUntil: (promise) => this.#kept.push(promise),
      onError: (error) => reported.push(error),
    });
    this.#processes.push({ ...process, reported });
    return { ...process, reported };
  }

  async close(): Promise<void> {
    for (const process of this.#processes) {
      process.reject("working");
      process.mend();
    }
    await Promise.all(this.#processes.map(({ context }) => context.close()));
    // G7: whatever happened, each promise given to waitUntil settles, and none rejects.
    await Promise.all(this.#kept);
  }
}
