import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Plan } from "./plan.ts";
import { simulate, simulateSeed } from "./simulate.ts";

const SEEDS_PER_TEST = 500;
/** Of a Redis that keeps the text, whose schedules are longer. */
const REDIS_LOG_SEEDS = 600;
const found = JSON.parse(readFileSync(new URL("found.json", import.meta.url), "utf8")) as Array<{
  name: string;
  plan: Plan;
}>;

describe.each(["relay", "log"] as const)(
  "every promise holds in every schedule over a %s (G1, G2, G3, G4, G6, G7, G9)",
  (store) => {
    it.each([0, 1, 2, 3, 4, 5])("part %i of the fixed seeds", { timeout: 60_000 }, async (part) => {
      for (let seed = part * SEEDS_PER_TEST + 1; seed <= (part + 1) * SEEDS_PER_TEST; seed++) {
        const { violation } = await simulateSeed(seed, { store });
        expect(violation, `npm run simulate -- --store ${store} --seed ${seed}`).toBeUndefined();
      }
    });
  },
);

describe("every promise holds in every schedule over a Redis that keeps the text", () => {
  it.each([1, 2, 3])("part %i of the fixed seeds", { timeout: 60_000 }, async (part) => {
    const seeds = REDIS_LOG_SEEDS / 3;
    for (let seed = (part - 1) * seeds + 1; seed <= part * seeds; seed++) {
      const { violation } = await simulateSeed(seed, { store: "redis-log" });
      expect(violation, `npm run simulate -- --store redis-log --seed ${seed}`).toBeUndefined();
    }
  });
});

describe("what the simulator found once", () => {
  it.each(found)("$name", async ({ plan }) => {
    const { violation } = await simulate(plan);
    expect(violation).toBeUndefined();
  });
});

describe("a seed decides everything", () => {
  it.each(["relay", "log", "redis-log"] as const)(
    "the same seed gives the same trace over a %s",
    async (store) => {
      for (const seed of [2, 44, 71, 244]) {
        const [first, second] = [
          await simulateSeed(seed, { store, isTraced: true }),
          await simulateSeed(seed, { store, isTraced: true }),
        ];
        expect(second.trace).toEqual(first.trace);
      }
    },
  );
});
