import { expect, test } from "vitest";
import { sleep, systemClock } from "../../src/lib/clock.ts";
import { Latch } from "../../src/lib/latch.ts";

test("all who sleep until a latch is set wake with it, and whoever comes later doesn't sleep", async () => {
  const latch = new Latch();
  const sleepers = Array.from({ length: 50 }, () => sleep(systemClock, 60_000, latch));
  expect(latch.isSet).toBe(false);
  latch.set();
  await Promise.all([...sleepers, sleep(systemClock, 60_000, latch)]);
  expect(latch.isSet).toBe(true);
});

test("who waits is called once, and not after it was taken back", () => {
  const latch = new Latch();
  const calls: string[] = [];
  latch.onSet(() => calls.push("kept"));
  latch.onSet(() => calls.push("taken back"))();
  latch.set();
  latch.set();
  latch.onSet(() => calls.push("late"));
  expect(calls).toEqual(["kept"]);
});
