// What a check is, and how checks are run: one that fails doesn't keep the others from running.

import { bounded } from "../deadline.ts";
import { describeError } from "../print.ts";

/** `warning`: streams work, but not as well or not always. `skipped`: it could not be told. */
export interface Finding {
  check: string;
  status: "ok" | "warning" | "failed" | "skipped";
  /** The observation, in a sentence. */
  found: string;
  /** The remedy; absent if all is well. */
  advice?: string;
}

export interface Check<Subject> {
  name: string;
  run: (subject: Subject) => Promise<Omit<Finding, "check">>;
  /** The remedy if `run` throws. */
  advice: string;
}

/** Longer than the longest that waits: for messages, and for a producer that doesn't answer. */
const CHECK_TIMEOUT_MS = 20_000;

export async function* runChecks<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
): AsyncGenerator<Finding> {
  for (const { name, run, advice } of checks) {
    try {
      yield {
        check: name,
        ...(await bounded(`finish the check ${name}`, run(subject), CHECK_TIMEOUT_MS)),
      };
    } catch (error) {
      yield { check: name, status: "failed", found: describeError(error), advice };
    }
  }
}

/** More than what the network's jitter makes of two good clocks. */
const MAX_CLOCK_DIFFERENCE_MS = 2_000;

/** Compares a server's clock with this machine's. */
export async function compareClocks(askServer: () => Promise<number>): Promise<Omit<Finding, "check">> {
  const before = Date.now();
  const serverMs = await askServer();
  const after = Date.now();
  // The server looked at its clock somewhere in between.
  const differenceMs = serverMs < before ? before - serverMs : Math.max(serverMs - after, 0);
  const found = `this machine's clock and the server's differ by ${Math.round(differenceMs)} ms`;
  if (differenceMs <= MAX_CLOCK_DIFFERENCE_MS) return { status: "ok", found };
  const advice =
    "Run a time service (chrony, systemd-timesyncd, ntpd) on both: records expire by the server's clock, and newer producers are told from older ones by the app's.";
  return { status: "warning", found, advice };
}
