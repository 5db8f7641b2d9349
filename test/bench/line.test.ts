import { describe, expect, test } from "vitest";
import {
  atLeast,
  atMost,
  isReached,
  ratioTo,
  targetOf,
  type Bound,
  type Line,
} from "../../bench/lib/line.ts";
import { printTable } from "../../bench/lib/table.ts";
import { show, type Unit } from "../../bench/lib/units.ts";
import { lineOf } from "./lines.ts";

const cases: [Line["values"], Line["bounds"], boolean][] = [
  [{ ours: 2 }, [atMost(2)], true],
  [{ ours: 2.01 }, [atMost(2)], false],
  [{ ours: 10, published: 1 }, [atLeast(10, "published")], true],
  [{ ours: 9, published: 1 }, [atLeast(10, "published")], false],
  [{ ours: 8, published: 10, floor: 7 }, [atMost(0.85, "published"), atMost(1.05, "floor")], false],
  [{ ours: 8, published: 10, floor: 8 }, [atMost(0.85, "published"), atMost(1.05, "floor")], true],
  [{ ours: 1032, floor: 1000 }, [{ ...atMost(1, "floor"), plus: 32 }], true],
  [{ ours: 1033, floor: 1000 }, [{ ...atMost(1, "floor"), plus: 32 }], false],
];

test.each(cases)("%o is held against %o", (values, bounds, reached) => {
  expect(isReached({ values, bounds })).toBe(reached);
});

test("what wasn't measured is not reached, be it ours or its rival", () => {
  expect(isReached({ values: {}, bounds: [atMost(1)] })).toBe(false);
  expect(isReached({ values: { published: 1 }, bounds: [atLeast(0, "published")] })).toBe(false);
  expect(isReached({ values: { ours: 1 }, bounds: [atMost(9, "published")] })).toBe(false);
});

test("a line without a bound is told, and not judged", () => {
  expect(isReached({ values: { ours: 1 }, bounds: [] })).toBeUndefined();
  expect(printTable([lineOf({ bounds: [] })])).not.toContain("reached");
});

test.each<[Unit, Bound[], string]>([
  ["ms", [atMost(4)], "≤ 4 ms"],
  ["ms", [atMost(0.85, "published"), atMost(1.05, "floor")], "≤ 0.85 × published, ≤ 1.05 × floor"],
  ["chunks/s", [atLeast(280_000)], "≥ 280k/s"],
  ["bytes", [{ ...atMost(1, "floor"), plus: 8192 }], "≤ floor + 8 KB"],
])("a target in %s reads as it is meant", (unit, bounds, text) => {
  expect(targetOf({ unit, bounds })).toBe(text);
});

test.each<[number, Unit, string]>([
  [0.3912, "ms", "0.391 ms"],
  [2130.4, "ms", "2,130 ms"],
  [627_700, "chunks/s", "627.7k/s"],
  [38_912, "bytes", "38 KB"],
  [612, "bytes", "612 B"],
  [0.0474, "%", "4.74 %"],
  [0.0016, "count", "0.0016"],
  [0, "count", "0"],
])("%d in %s is %s", (value, unit, text) => {
  expect(show(value, unit)).toBe(text);
});

test("a ratio is ours by the rival's, and absent where one of them is", () => {
  expect(ratioTo("floor", { values: { ours: 3, floor: 2 } })).toBe(1.5);
  expect(ratioTo("published", { values: { ours: 3, floor: 2 } })).toBeUndefined();
});

describe("the table", () => {
  test("has the columns that some line fills, and says what is reached", () => {
    const table = printTable([
      lineOf({ label: "one", values: { ours: 1, floor: 2 }, bounds: [atMost(1, "floor")], noise: 0.123 }),
      lineOf({ label: "two", values: { ours: 3 } }),
    ]);
    expect(table.split("\n")).toEqual([
      "|     | floor | ours | × floor | target      | noise | reached |",
      "| --- | ----- | ---- | ------- | ----------- | ----- | ------- |",
      "| one | 2 ms  | 1 ms | 0.5     | ≤ 1 × floor | 12 %  | yes     |",
      "| two |       | 3 ms |         | ≤ 2 ms      |       | **no**  |",
    ]);
  });
});
