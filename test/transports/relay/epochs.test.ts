import { expect, test } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { Epochs } from "../../../src/transports/relay/epochs.ts";

test("two that have seen the same epoch, with clocks that lag behind it, draw different ones above it", () => {
  const seen = 2 ** 51;
  const drawn = [0.25, 0.75].map((fraction) => {
    const epochs = new Epochs(systemClock, { fraction: () => fraction, uuid: () => "" });
    epochs.observe(seen);
    return epochs.next();
  });
  expect(new Set(drawn).size).toBe(2);
  expect(Math.min(...drawn)).toBeGreaterThan(seen);
});
