// When a database counts as away: nothing of what was sent since is answered. A statement may have trouble of its own.

import { expect, test } from "vitest";
import { Outages } from "../../../src/transports/log/outages.ts";
import { manualClock } from "../../support/manual-clock.ts";

test("a statement that gets no answer while others do is no outage", () => {
  const clock = manualClock();
  const outages = new Outages(clock);
  const sentAt = clock.now();
  clock.pass(1_000);
  outages.succeeded();
  clock.pass(2_000);
  outages.failed(sentAt);
  expect(outages.isSettling).toBe(false);
});

test("with nothing answered since it is one, until 5 s after the first answer", () => {
  const clock = manualClock();
  const outages = new Outages(clock);
  outages.succeeded();
  clock.pass(10);
  const sentAt = clock.now();
  clock.pass(3_000);
  outages.failed(sentAt);
  clock.pass(60_000);
  expect(outages.isSettling).toBe(true);
  outages.succeeded();
  clock.pass(4_999);
  expect(outages.isSettling).toBe(true);
  clock.pass(1);
  expect(outages.isSettling).toBe(false);
});
