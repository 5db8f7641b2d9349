// One row: all contenders in turn, round by round, so that a slow minute of the machine hits each of them.

import { withDeadline } from "./deadline.ts";
import type { Contender, Line } from "./line.ts";
import type { LineSpec, Measurement, Row, Sample } from "./row.ts";
import { median, spread } from "./statistics.ts";

const OPEN_LIMIT_MS = 60_000;
const ROUND_LIMIT_MS = 120_000;
const ORDER: readonly Contender[] = ["floor", "published", "ours"];

export interface RowResult {
  lines: Line[];
  /** Why a contender has no values, a sentence for each. */
  failures: string[];
}

export async function measureRow<Setting>(row: Row<Setting>, setting: Setting): Promise<RowResult> {
  const runs: Run[] = [];
  // One after the other: opening may measure something already.
  for (const contender of ORDER) {
    const open = row.contenders[contender];
    if (open) runs.push(await Run.open(contender, () => open(setting)));
  }
  try {
    for (let round = row.warmsUp === false ? 1 : 0; round <= row.rounds; round += 1) {
      for (const run of runs) await run.measure(round);
    }
  } finally {
    await Promise.all(runs.map((run) => run.close()));
  }
  return {
    lines: row.lines.map((line) => lineOf(line, runs)),
    failures: runs.flatMap(({ contender, failure }) =>
      failure === undefined ? [] : [`${row.name}, ${contender}: ${failure.split("\n")[0]}`],
    ),
  };
}

function lineOf({ key, ...line }: LineSpec, runs: readonly Run[]): Line {
  const values: Line["values"] = {};
  for (const run of runs) {
    const measured = median(run.valuesOf(key));
    if (!Number.isNaN(measured)) values[run.contender] = measured;
  }
  // The contender that judges comes first, and what it takes is always the same work.
  const [judge] = runs;
  const noise = judge === undefined ? Number.NaN : spread(judge.valuesOf(key));
  return { ...line, values, ...(!Number.isNaN(noise) && { noise }) };
}

class Run {
  readonly contender: Contender;
  /** The first failure; there are no further rounds after it. */
  failure: string | undefined;
  readonly #samples: Sample[] = [];
  /** Absent if it couldn't be opened. */
  readonly #measurement: Measurement | undefined;

  private constructor(contender: Contender, opened: Measurement | Error) {
    this.contender = contender;
    if (opened instanceof Error) this.failure = opened.message;
    else this.#measurement = opened;
  }

  static async open(contender: Contender, open: () => Promise<Measurement>): Promise<Run> {
    const opened = withDeadline(open(), { what: "opening", ms: OPEN_LIMIT_MS });
    return new Run(contender, await opened.catch(asError));
  }

  async measure(round: number): Promise<void> {
    if (this.failure !== undefined || this.#measurement === undefined) return;
    const measuring = this.#measurement.measure(round);
    const sample = await withDeadline(measuring, { what: "a round", ms: ROUND_LIMIT_MS }).catch(asError);
    if (sample instanceof Error) this.failure = sample.message;
    else if (round > 0) this.#samples.push(sample);
  }

  /** None once it has failed: what hangs in one round has no median. */
  valuesOf(key: string): number[] {
    if (this.failure !== undefined) return [];
    return this.#samples.flatMap((sample) => sample[key] ?? []);
  }

  async close(): Promise<void> {
    await this.#measurement?.[Symbol.asyncDispose]();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
