import { expect, test } from "vitest";
import type { Clock } from "../../src/lib/clock.ts";
import { Pace } from "../../src/engine/pace.ts";
import { Turns } from "../../src/engine/turns.ts";
import { manualClock } from "../support/manual-clock.ts";

test("a chunk that comes alone in its turn is announced at once", () => {
  const clock = manualClock();
  let announced = 0;
  const pace = paceOf(clock, () => (announced += 1));
  for (let turn = 1; turn <= 5; turn += 1) {
    pace.produced();
    expect(announced).toBe(turn);
    clock.turn();
  }
  expect(announced).toBe(5);
});

test("the chunks of a burst are announced together, none later than the next turn", () => {
  const clock = manualClock();
  let announced = 0;
  const pace = paceOf(clock, () => (announced += 1));
  for (let chunk = 0; chunk < 10; chunk += 1) pace.produced();
  expect(announced).toBe(1);
  clock.turn();
  expect(announced).toBe(2);
  for (let chunk = 0; chunk < 512; chunk += 1) pace.produced();
  expect(announced).toBe(6);
});

test("no turn is waited for once nothing comes", () => {
  const clock = manualClock();
  const pace = paceOf(clock);
  for (let chunk = 0; chunk < 3; chunk += 1) pace.produced();
  clock.turn();
  clock.turn();
  expect(clock.waitingForTurn()).toBe(0);
});

test("a source that never makes anybody wait is paused now and then", async () => {
  const clock = manualClock();
  const pace = paceOf(clock);
  let dueAfter = 0;
  while (!pace.isPauseDue()) {
    pace.produced();
    dueAfter += 1;
    clock.pass(0.01);
  }
  expect(dueAfter).toBeGreaterThan(500);
  expect(dueAfter).toBeLessThan(1_000);
  const paused = pace.pause();
  clock.turn();
  await paused;
  pace.produced();
  expect(pace.isPauseDue()).toBe(false);
});

test("a source that makes others wait for each chunk is never paused, however long it runs", () => {
  const clock = manualClock();
  const pace = paceOf(clock);
  for (let chunk = 0; chunk < 1_000; chunk += 1) {
    pace.produced();
    expect(pace.isPauseDue()).toBe(false);
    clock.pass(20);
    clock.turn();
  }
});

test("however many streams give text in a turn, one look is made for the next", () => {
  const clock = manualClock();
  const turns = new Turns(clock);
  const paces = Array.from({ length: 50 }, () => new Pace({ clock, turns, announce: () => {} }));
  for (const pace of paces) pace.produced();
  expect(clock.waitingForTurn()).toBe(1);
  clock.turn();
  expect(clock.waitingForTurn()).toBe(0);
});

function paceOf(clock: Clock, announce: () => void = () => {}): Pace {
  return new Pace({ clock, turns: new Turns(clock), announce });
}
