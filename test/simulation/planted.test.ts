import { describe, expect, it } from "vitest";
import { PLANTED_BUGS } from "./plants.ts";
import { simulateSeed } from "./simulate.ts";

/** A minute's worth of schedules on a loaded machine. */
const MAX_SEEDS = 10_000;

describe("the simulator finds planted bugs", () => {
  it.each(PLANTED_BUGS)("$name", { timeout: 60_000 }, async ({ breaks, plant }) => {
    for (let seed = 1; seed <= MAX_SEEDS; seed++) {
      const { violation } = await simulateSeed(seed, { plant });
      if (!violation) continue;
      expect(breaks).toContain(violation.promise);
      return;
    }
    expect.fail(`${MAX_SEEDS} schedules found nothing`);
  });
});
