// What sources, readers and the weather do, by chance.

import type { Weather } from "./connection.ts";
import type { Dice } from "../../src/testing/dice.ts";
import type { Plan, ReaderScript } from "./plan.ts";
import type { SourceScript } from "./run.ts";

export function weather(dice: Dice): Weather {
  const share = (): number => dice.pick([0, 0.1, 0.3, 0.7]);
  return { lost: share(), doubled: share(), late: share(), maxLateMs: dice.pick([5, 100, 1_500]) };
}

export function sourceScript(dice: Dice, plan: Plan): SourceScript {
  const pace = dice.pick([0, 1, 20, plan.durationMs / 30]);
  const chunks = Array.from({ length: dice.pick([0, 1, dice.integer(2, 12), dice.integer(10, 40)]) }, () => ({
    afterMs: pace === 0 || dice.chance(0.2) ? 0 : dice.between(0, 2 * pace),
    units: dice.pick([0, 1, dice.integer(1, 12), dice.integer(1, 60)]),
  }));
  return {
    opening: dice.pick([
      "at once",
      "at once",
      "at once",
      "later",
      "later",
      dice.pick(["throws", "rejects later"]),
    ]),
    openingMs: dice.pick([1, 50, 1_000]),
    chunks,
    end: dice.pick(["done", "done", "done", "failed", "open"]),
    cancelling: dice.pick(["settles", "settles", "hangs", "rejects"]),
  };
}

export function readerScript(dice: Dice): ReaderScript {
  const script: ReaderScript = { paceMs: dice.pick([0, 0, 0, 2, 100]) };
  if (dice.chance(0.25))
    script.stall = { atUnits: dice.integer(0, 80), forMs: dice.pick([10, 1_000, 7_000, 1e9]) };
  if (dice.chance(0.2)) script.leaveAtUnits = dice.integer(0, 100);
  return script;
}

/** A claim over a claim takes two of the documented methods: one that is set free in between is lost. No promise covers it. */
export function canSupersede(plan: Plan): boolean {
  return plan.client === "atomic";
}
