// Runs simulations: `npm run simulate -- --seeds 100000 [--from 1] [--store relay|log|redis-log]`, or one with its trace: `--seed N`.

import { parseArgs } from "node:util";
import { STORE_KINDS, type StoreKind } from "../test/simulation/plan.ts";
import { shrink } from "../test/simulation/shrink.ts";
import { type Outcome, simulate, simulateSeed } from "../test/simulation/simulate.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    /** Without it seeds take turns: over a pub/sub server, a database, and a Redis that keeps the text. */
    store: { type: "string" },
    /** Goes on after a violation, and tells each in one line. */
    all: { type: "boolean", default: false },
  },
});

const chosen = STORE_KINDS.find((kind) => kind === values.store);
if (values.store !== undefined && !chosen) {
  throw new TypeError(`--store must be one of ${STORE_KINDS.join(", ")}, got ${values.store}.`);
}

if (values.seed === undefined) await search(Number(values.from), Number(values.seeds));
else tell(await simulateSeed(Number(values.seed), { store: storeOf(Number(values.seed)), isTraced: true }));

function storeOf(seed: number): StoreKind {
  return chosen ?? STORE_KINDS[(seed + STORE_KINDS.length - 1) % STORE_KINDS.length] ?? "relay";
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
    `seed ${plan.seed}, ${plan.redisLog ? "redis-log" : plan.log ? "log" : "relay"}: ${steps} steps, ${virtualMs.toFixed()} virtual ms`,
  );
  if (violation) process.exitCode = 1;
  console.log(violation ? `violation of ${violation.promise}: ${violation.what}` : "no violation");
}
