// The platform's own timers: a machine that slept has waited, and a process that was held up has not listened.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemPlatform } from "../../src/client/platform.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

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

test("a page whose events take no signal but their own is heard all the same, until the text has ended", () => {
  const page = new EventTarget();
  // jsdom's window, where a test environment has put Node's AbortController.
  vi.stubGlobal("addEventListener", (type: string, listener: () => void, options?: { signal?: unknown }) => {
    if (options?.signal !== undefined) throw new TypeError("signal is not of type AbortSignal");
    page.addEventListener(type, listener);
  });
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  const heard: string[] = [];
  const over = new AbortController();
  systemPlatform().onWake((why) => heard.push(why), over.signal);
  page.dispatchEvent(new Event("online"));
  over.abort();
  page.dispatchEvent(new Event("online"));
  page.dispatchEvent(new Event("visibilitychange"));
  expect(heard).toEqual(["online"]);
});
