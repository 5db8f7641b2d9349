import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { onAbort } from "../../src/lib/abort.ts";

test("however many wait for a signal, it has one listener, and calls them all", () => {
  const abort = new AbortController();
  let calls = 0;
  for (let waiter = 0; waiter < 50; waiter += 1) onAbort(abort.signal, () => (calls += 1));
  expect(getEventListeners(abort.signal, "abort")).toHaveLength(1);
  abort.abort();
  expect(calls).toBe(50);
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
