// One row: both libraries in turn, round by round, so that a slow minute of the machine hits both.

import { withDeadline } from "./deadline.ts";
import { median } from "./statistics.ts";
import { PEERS } from "../peers/peer.ts";
import type { Measurement, Row, Sample, Setting } from "../rows/row.ts";

const OPEN_LIMIT_MS = 60_000;
const ROUND_LIMIT_MS = 30_000;

export type Contender = "bare" | "published" | "ours";

/** Medians by line, or why there are none. */
export type Outcome = { kind: "measured"; medians: Sample } | { kind: "failed"; why: string };

export type RowResult = Partial<Record<Contender, Outcome>>;

export async function measureRow(row: Row, setting: Setting): Promise<RowResult> {
  const runs: Run[] = [];
  // One after the other: opening may measure something already.
  for (const contender of contenders(row)) runs.push(await Run.open(row, contender, setting));
  // The round that warms up comes first and counts for nothing.
  for (let round = 0; round <= row.rounds; round += 1) {
    for (const run of runs) await run.measure(round);
  }
  await Promise.all(runs.map((run) => run.close()));
  return Object.fromEntries(runs.map((run) => [run.contender, run.outcome(row)]));
}

function contenders(row: Row): Contender[] {
  return row.openBare === undefined ? [...PEERS] : ["bare", ...PEERS];
}

class Run {
  readonly contender: Contender;
  readonly #samples: Sample[] = [];
  /** Absent where it couldn't be opened. */
  readonly #measurement: Measurement | undefined;
  /** The first failure; there are no further rounds after it. */
  #failure: string | undefined;

  private constructor(contender: Contender, opened: Measurement | Error) {
    this.contender = contender;
    if (opened instanceof Error) this.#failure = opened.message;
    else this.#measurement = opened;
  }

  static async open(row: Row, contender: Contender, setting: Setting): Promise<Run> {
    const opening = contender === "bare" ? row.openBare?.(setting) : row.open(contender, setting);
    if (opening === undefined) throw new Error(`${row.name} has no bare source`);
    const opened = withDeadline(opening, { what: `opening ${row.name}`, ms: OPEN_LIMIT_MS });
    return new Run(contender, await opened.catch(asError));
  }

  async measure(round: number): Promise<void> {
    if (this.#failure !== undefined || this.#measurement === undefined) return;
    const measuring = this.#measurement.measure(round);
    const sample = await withDeadline(measuring, { what: "a round", ms: ROUND_LIMIT_MS }).catch(asError);
    if (sample instanceof Error) this.#failure = sample.message;
    else if (round > 0) this.#samples.push(sample);
  }

  async close(): Promise<void> {
    await this.#measurement?.[Symbol.asyncDispose]();
  }

  outcome(row: Row): Outcome {
    if (this.#failure !== undefined) return { kind: "failed", why: this.#failure.split("\n")[0] ?? "" };
    const medians = row.lines.map(({ key }) => [
      key,
      median(this.#samples.map((sample) => sample[key] ?? Number.NaN)),
    ]);
    return { kind: "measured", medians: Object.fromEntries(medians) as Sample };
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
