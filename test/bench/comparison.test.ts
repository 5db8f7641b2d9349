import { expect, test } from "vitest";
import { compare, type Comparison } from "../../bench/lib/comparison.ts";
import { atLeast, atMost, type Line } from "../../bench/lib/line.ts";
import { pageOf, reportOf } from "../../bench/lib/page.ts";
import { lineOf, resultsOf } from "./lines.ts";

function compared(now: Partial<Line>, before: Partial<Line>): Extract<Comparison, { kind: "compared" }> {
  const comparison = compare(resultsOf([lineOf(now)]), resultsOf([lineOf(before)]));
  if (comparison.kind === "none") throw new Error(comparison.why);
  return comparison;
}

test("a line that takes over 10 % more than before is named, and one that takes 9 % more isn't", () => {
  const before = { values: { ours: 100 } };
  expect(compared({ values: { ours: 109 } }, before).worse).toEqual([]);
  expect(compared({ values: { ours: 111 } }, before).worse).toMatchObject([{ label: "a line", noise: 0 }]);
  expect(compared({ values: { ours: 111 } }, before).worse[0]?.worse).toBeCloseTo(0.11);
});

test("a slower machine slows the floor too, and is no change", () => {
  const before = { values: { ours: 10, floor: 5 } };
  expect(compared({ values: { ours: 20, floor: 10 } }, before).worse).toEqual([]);
  expect(compared({ values: { ours: 10, floor: 4 } }, before).worse).toHaveLength(1);
});

test("fewer of what should be many is worse, and more isn't", () => {
  const rate = { unit: "chunks/s", bounds: [atLeast(1)] } as const;
  const before = { ...rate, bounds: [atLeast(1)], values: { ours: 100 } } satisfies Partial<Line>;
  expect(compared({ ...before, values: { ours: 80 } }, before).worse).toHaveLength(1);
  expect(compared({ ...before, values: { ours: 200 } }, before).worse).toEqual([]);
});

test("a change within the noise of either run is unclear", () => {
  const before = { values: { ours: 100 }, noise: 0.4 };
  const { worse, unclear } = compared({ values: { ours: 130 }, noise: 0.05 }, before);
  expect(worse).toEqual([]);
  expect(unclear).toMatchObject([{ label: "a line", noise: 0.4 }]);
  expect(compared({ values: { ours: 150 }, noise: 0.05 }, before).worse).toHaveLength(1);
});

test("a line that was measured once is held to the noise that is usual in these runs", () => {
  const noisy = lineOf({ label: "noisy", noise: 0.5 });
  const before = resultsOf([lineOf({ values: { ours: 100 } }), noisy]);
  const after = (ours: number) => compare(resultsOf([lineOf({ values: { ours } }), noisy]), before);
  expect(after(140)).toMatchObject({ worse: [], unclear: [{ label: "a line", noise: 0.5 }] });
  expect(after(160)).toMatchObject({ worse: [{ label: "a line" }], unclear: [] });
});

test("a line that has lost its value is named, a new one and one that had none aren't", () => {
  expect(compared({ values: {} }, { values: { ours: 1 } }).worse).toMatchObject([
    { worse: Number.POSITIVE_INFINITY },
  ]);
  expect(compared({ values: { ours: 1 } }, { values: {} }).worse).toEqual([]);
  expect(compared({ label: "new", values: { ours: 9 } }, { values: { ours: 1 } }).worse).toEqual([]);
});

test("nothing is compared with another machine, or with no run", () => {
  const now = resultsOf([lineOf()]);
  const other = resultsOf([lineOf()], { machine: { ...now.machine, cores: 64 } });
  expect(compare(now, other)).toMatchObject({ kind: "none" });
  expect(compare(now, undefined)).toMatchObject({ kind: "none" });
});

test("the page says how many targets are reached, how noisy it was, how long it took, and what got worse", () => {
  const before = resultsOf([lineOf({ values: { ours: 1 } })]);
  const now = resultsOf([
    lineOf({ values: { ours: 3 }, noise: 0.2 }),
    lineOf({ label: "another", bounds: [atMost(1)], noise: 0.3 }),
  ]);
  const page = pageOf(now, compare(now, before));
  expect(page).toContain("1 of 2 targets are reached.");
  expect(page).toContain("20 % apart for half of the lines, and 30 % for nine of ten");
  expect(page).toContain("in 1 min 1 s");
  expect(page).toContain("## Against the run of 2026-01-01");
  expect(page).toContain("- Redis: a line: 200 % worse, noise 20 %");
});

test("a contender that failed is named under its table", () => {
  const now = resultsOf([lineOf()]);
  const [group] = now.groups;
  group?.failures.push("a row, published: no answer within 30000 ms");
  expect(reportOf(now, compare(now, undefined))).toContain("- a row, published: no answer");
});

test("the page says what was tried for each line that misses its target, and nothing of the others", () => {
  const missed = { values: { ours: 3 }, tried: "Batches gained 2 %." };
  const now = resultsOf([
    lineOf({ ...missed, label: "a" }),
    lineOf({ ...missed, label: "b" }),
    lineOf({ label: "c", values: { ours: 3 } }),
    lineOf({ label: "d", tried: "Not needed." }),
  ]);
  const report = reportOf(now, compare(now, undefined));
  expect(report).toContain("- **a**; **b**: Batches gained 2 %.\n- **c**: Nothing was tried yet.");
  expect(report).not.toContain("Not needed.");
});
