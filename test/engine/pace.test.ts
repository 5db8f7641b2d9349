import { expect, test } from "vitest";
import { Pace } from "../../src/engine/pace.ts";
import type { Clock } from "../../src/lib/clock.ts";

/** A clock whose turns and milliseconds pass when told. */
function manualClock() {
  let now = 0;
  let turns: (() => void)[] = [];
  const clock: Clock = {
    now: () => now,
    wallTime: () => now,
    after: () => () => {},
    nextTurn: (callback) => void turns.push(callback),
  };
  const nextTurn = (): void => {
    const due = turns;
    turns = [];
    for (const callback of due) callback();
  };
  return { clock, nextTurn, pass: (ms: number) => (now += ms), waiting: () => turns.length };
}

test("a chunk that comes alone in its turn is announced at once", () => {
  const { clock, nextTurn } = manualClock();
  let announced = 0;
  const pace = new Pace(clock, () => (announced += 1));
  for (let turn = 1; turn <= 5; turn += 1) {
    pace.produced();
    expect(announced).toBe(turn);
    nextTurn();
  }
  expect(announced).toBe(5);
});

test("the chunks of a burst are announced together, none later than the next turn", () => {
  const { clock, nextTurn } = manualClock();
  let announced = 0;
  const pace = new Pace(clock, () => (announced += 1));
  for (let chunk = 0; chunk < 10; chunk += 1) pace.produced();
  expect(announced).toBe(1);
  nextTurn();
  expect(announced).toBe(2);
  for (let chunk = 0; chunk < 512; chunk += 1) pace.produced();
  expect(announced).toBe(6);
});

test("no turn is waited for once nothing comes", () => {
  const { clock, nextTurn, waiting } = manualClock();
  const pace = new Pace(clock, () => {});
  for (let chunk = 0; chunk < 3; chunk += 1) pace.produced();
  nextTurn();
  nextTurn();
  expect(waiting()).toBe(0);
});

test("a source that never makes anybody wait is paused now and then", async () => {
  const { clock, nextTurn, pass } = manualClock();
  const pace = new Pace(clock, () => {});
  let dueAfter = 0;
  while (!pace.isPauseDue()) {
    pace.produced();
    dueAfter += 1;
    pass(0.01);
  }
  expect(dueAfter).toBeGreaterThan(500);
  expect(dueAfter).toBeLessThan(1_000);
  const paused = pace.pause();
  nextTurn();
  await paused;
  pace.produced();
  expect(pace.isPauseDue()).toBe(false);
});
