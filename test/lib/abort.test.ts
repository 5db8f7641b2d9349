import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { onAbort } from "../../src/lib/abort.ts";
import { sleep, systemClock } from "../../src/lib/clock.ts";

test("however many sleep until a signal aborts, it has one listener, and wakes them all", async () => {
  const abort = new AbortController();
  const sleepers = Array.from({ length: 50 }, () => sleep(systemClock, 60_000, abort.signal));
  expect(getEventListeners(abort.signal, "abort")).toHaveLength(1);
  abort.abort();
  await Promise.all(sleepers);
});

test("what was taken back isn't called, and what was given twice is called twice", () => {
  const abort = new AbortController();
  let calls = 0;
  const count = (): void => void (calls += 1);
  onAbort(abort.signal, count);
  onAbort(abort.signal, count);
  const takeBack = onAbort(abort.signal, count);
  takeBack();
  abort.abort();
  abort.abort();
  expect(calls).toBe(2);
});
