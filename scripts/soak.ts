// Hundreds of streams at a time over real servers that are killed: `npm run soak -- [--minutes 60] [--store redis|redis-log|postgres|all]
// [--seed N] [--streams 200]`. Stores take turns of equal length. Ends with 1 if anything was wrong.

import { parseArgs } from "node:util";
import { createSeed } from "../src/testing/dice.ts";
import { buildWorker } from "../test/support/process.ts";
import { soak } from "../test/soak/soak.ts";
import { STORE_KINDS } from "../test/soak/stores.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    store: { type: "string", default: "all" },
    seed: { type: "string", default: String(createSeed()) },
    streams: { type: "string", default: "200" },
  },
});

const chosen = STORE_KINDS.filter((kind) => values.store === kind || values.store === "all");
if (chosen.length === 0) {
  throw new TypeError(`--store must be one of ${STORE_KINDS.join(", ")} or all, got ${values.store}.`);
}
const [minutes, seed, streams] = [values.minutes, values.seed, values.streams].map(Number);
if (!minutes || seed === undefined || Number.isNaN(seed) || !streams) {
  throw new TypeError("--minutes, --seed and --streams must be numbers above 0.");
}

await buildWorker();
for (const store of chosen) {
  const { counts, failures } = await soak({
    store,
    seed,
    streams,
    slots: 6,
    longestMs: 60_000,
    sampleEveryMs: 5_000,
    forMs: (minutes * 60_000) / chosen.length,
    tell: (line) => console.log(`${store}: ${line}`),
  });
  const lines = Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b));
  for (const [what, count] of lines) console.log(`${store}: ${count} ${what}`);
  console.log(`${store}, seed ${seed}: ${failures.length} failures`);
  if (failures.length > 0) process.exitCode = 1;
}
