import { describe, expect, it } from "vitest";
import { REDIS_LOG_PLANTED_BUGS } from "./redis-log-plants.ts";
import { LOG_PLANTED_BUGS } from "./log-plants.ts";
import { PLANTED_BUGS } from "./plants.ts";
import { planFor, type StoreKind } from "./plan.ts";
import { simulate } from "./simulate.ts";
import type { PlantedBug } from "./planted-bug.ts";

/** A minute's worth of schedules on a loaded machine. */
const MAX_SEEDS = 10_000;

describe("the simulator finds planted bugs", () => {
  it.each(PLANTED_BUGS)("$name", { timeout: 60_000 }, async (bug) => {
    expect(bug.breaks).toContain(await firstBroken(bug, "relay"));
  });
});

describe("the simulator finds bugs planted in a log", () => {
  it.each(LOG_PLANTED_BUGS)("$name", { timeout: 60_000 }, async (bug) => {
    expect(bug.breaks).toContain(await firstBroken(bug, "log"));
  });
});

describe("the simulator finds bugs planted in a log over Redis", () => {
  it.each(REDIS_LOG_PLANTED_BUGS)("$name", { timeout: 60_000 }, async (bug) => {
    expect(bug.breaks).toContain(await firstBroken(bug, "redis-log"));
  });
});

async function firstBroken({ breaks, from = 1, plant }: PlantedBug, store: StoreKind): Promise<string> {
  for (let seed = from; seed < from + MAX_SEEDS; seed++) {
    const { onEnd, ...plan } = planFor(seed, store);
    // An app that is given a wrong text would tell of every bug first.
    const isTaking = onEnd !== undefined && breaks.includes("G15");
    const { violation } = await simulate(isTaking ? { ...plan, onEnd } : plan, { plant });
    if (violation) return violation.promise;
  }
  return `nothing in ${MAX_SEEDS} schedules`;
}
