// Runs simulations: `npm run simulate -- --seeds 100000 [--from 1] [--store relay|log]`, or one with its trace: `--seed N`.

import { parseArgs } from "node:util";
import type { StoreKind } from "../test/simulation/plan.ts";
import { shrink } from "../test/simulation/shrink.ts";
import { type Outcome, simulate, simulateSeed } from "../test/simulation/simulate.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    /** Without it seeds alternate: odd ones over a pub/sub server, even ones over a database. */
    store: { type: "string" },
    /** Goes on after a violation, and tells each in one line. */
    all: { type: "boolean", default: false },
  },
});

if (values.store !== undefined && values.store !== "relay" && values.store !== "log") {
  throw new TypeError(`--store must be relay or log, got ${values.store}.`);
}
const { store: chosen } = values;

if (values.seed === undefined) await search(Number(values.from), Number(values.seeds));
else tell(await simulateSeed(Number(values.seed), { store: storeOf(Number(values.seed)), isTraced: true }));

function storeOf(seed: number): StoreKind {
  if (chosen === "relay" || chosen === "log") return chosen;
  return seed % 2 === 1 ? "relay" : "log";
}

async function search(from: number, count: number): Promise<void> {
  const startedAt = performance.now();
  let steps = 0;
  let violations = 0;
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await simulateSeed(seed, { store: storeOf(seed) });
    steps += outcome.steps;
    if (!outcome.violation) continue;
    violations += 1;
    process.exitCode = 1;
    if (values.all)
      console.log(`seed ${seed}, ${storeOf(seed)}: ${outcome.violation.promise} ${outcome.violation.what}`);
    else return tell(await simulate(await shrink(outcome), { isTraced: true }));
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const rate = `${(count / seconds).toFixed()} schedules/s, ${(steps / seconds).toFixed()} steps/s`;
  console.log(`${count} seeds from ${from}: ${violations} violations, ${seconds.toFixed(1)} s, ${rate}`);
}

function tell({ plan, steps, trace, violation, virtualMs }: Outcome): void {
  for (const line of trace ?? []) console.log(line);
  console.log(JSON.stringify(plan, undefined, 1).replaceAll(/\n {3,}/g, " "));
  console.log(
    `seed ${plan.seed}, ${plan.log ? "log" : "relay"}: ${steps} steps, ${virtualMs.toFixed()} virtual ms`,
  );
  if (violation) process.exitCode = 1;
  console.log(violation ? `violation of ${violation.promise}: ${violation.what}` : "no violation");
}
