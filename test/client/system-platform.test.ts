// The platform's own timers: a machine that slept has waited, and a process that was held up has not listened.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemPlatform } from "../../src/client/platform.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function waiting(delayMs: number) {
  let isDue = false;
  const cancel = systemPlatform().clock.after(delayMs, () => (isDue = true));
  return { isDue: () => isDue, cancel };
}

test("a wait is as long as it says", () => {
  for (const delayMs of [1, 250, 5_000, 12_345]) {
    const wait = waiting(delayMs);
    vi.advanceTimersByTime(delayMs - 1);
    expect(wait.isDue()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(wait.isDue()).toBe(true);
  }
});

test("a wait that the machine slept through is over soon after it wakes", () => {
  const wait = waiting(300_000);
  vi.advanceTimersByTime(10_000);
  // As timers see a sleep: the time of day goes on, and they don't.
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(6_000);
  expect(wait.isDue()).toBe(true);
});

test("a wait isn't longer where the time of day is set back", () => {
  const wait = waiting(20_000);
  vi.setSystemTime(Date.now() - 86_400_000);
  vi.advanceTimersByTime(20_000);
  expect(wait.isDue()).toBe(true);
});

test("a process that was held up has a moment to read what came meanwhile, and only one", () => {
  const wait = waiting(1_000);
  vi.setSystemTime(Date.now() + 1_800);
  vi.advanceTimersByTime(1_999);
  expect(wait.isDue()).toBe(false);
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(1);
  expect(wait.isDue()).toBe(true);
});

test("what is cancelled leaves no timer", () => {
  const wait = waiting(60_000);
  vi.advanceTimersByTime(7_000);
  wait.cancel();
  expect(vi.getTimerCount()).toBe(0);
});
