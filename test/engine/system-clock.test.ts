import { expect, test } from "vitest";
import { sleep, systemClock } from "../../src/lib/clock.ts";

test("a delay that no timer can count is a long one, not none", async () => {
  let fired = 0;
  const cancels = [2 ** 31, 1e12, Infinity].map((delayMs) => systemClock.after(delayMs, () => (fired += 1)));
  await sleep(systemClock, 20);
  for (const cancel of cancels) cancel();
  expect(fired).toBe(0);
});
