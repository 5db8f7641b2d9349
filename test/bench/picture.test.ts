import { describe, expect, test } from "vitest";
import { http } from "../../bench/http/index.ts";
import { kept } from "../../bench/kept/index.ts";
import { atLeast, atMost, type Line } from "../../bench/lib/line.ts";
import { BAR, drawResults, LABEL_CHARACTERS } from "../../bench/picture.ts";
import { postgres } from "../../bench/postgres/index.ts";
import { relay } from "../../bench/relay/index.ts";
import { scale } from "../../bench/scale/index.ts";
import { lineOf, resultsOf } from "./lines.ts";

function barsOf(lines: Partial<Line>[]): { kind: string; width: number }[] {
  const svg = drawResults(resultsOf(lines.map((line) => lineOf({ plain: "a row", ...line }))));
  const bars = svg.matchAll(/<rect class="bar (\w+)" x="[\d.]+" y="[\d.]+" width="([\d.]+)"/g);
  return [...bars].map(([, kind = "", width]) => ({ kind, width: Number(width) }));
}

const unit = BAR.width / BAR.most;

test("a bar is as long as what ours takes of its rival's", () => {
  expect(barsOf([{ values: { ours: 1, published: 4 }, bounds: [atMost(1, "published")] }])).toEqual([
    { kind: "reached", width: unit / 4 },
  ]);
});

test("where more is better, the bar of twice as many is half as long", () => {
  expect(barsOf([{ values: { ours: 20, published: 10 }, bounds: [atLeast(1, "published")] }])).toEqual([
    { kind: "reached", width: unit / 2 },
  ]);
});

test("a bar that would leave the picture ends at its edge, with its ratio beside it", () => {
  const line = { values: { ours: 90, floor: 10 }, bounds: [atMost(1, "floor")] };
  expect(barsOf([line])).toEqual([{ kind: "missed", width: BAR.width }]);
  expect(drawResults(resultsOf([lineOf({ plain: "a row", ...line })]))).toContain(">9 ×<");
});

test("a line is drawn beside each rival that judges it, and one without a plain label isn't", () => {
  const values = { ours: 1, published: 1, floor: 1 };
  expect(barsOf([{ values, bounds: [atMost(1, "published"), atMost(1, "floor")] }])).toHaveLength(2);
  expect(barsOf([{ values, bounds: [atMost(1, "published")] }])).toHaveLength(1);
  expect(drawResults(resultsOf([lineOf({ values })]))).not.toContain("a line");
});

test("the target is a mark on the bar's own scale, also where it is a value by itself", () => {
  const marks = (bounds: Line["bounds"]): string[] => {
    const svg = drawResults(
      resultsOf([lineOf({ plain: "a row", values: { ours: 1, published: 4, floor: 4 }, bounds })]),
    );
    return [...svg.matchAll(/class="target" x1="([\d.]+)"/g)].map(([, x = ""]) => x);
  };
  expect(marks([atMost(0.5, "published")])).toEqual([String(BAR.x + unit / 2)]);
  expect(marks([atMost(2)])).toEqual([String(BAR.x + unit / 2)]);
  expect(marks([atMost(0.5, "floor"), atMost(1, "published")])).toHaveLength(2);
  // Beyond the edge.
  expect(marks([atMost(3, "published")])).toEqual([]);
});

test("a line of ours that couldn't be measured says so", () => {
  const line = lineOf({ plain: "a row", values: { published: 1 }, bounds: [atMost(1, "published")] });
  expect(drawResults(resultsOf([line]))).toContain("not measured");
});

test("text is escaped, and dark has colours of its own", () => {
  const line = lineOf({
    plain: "a < b & c",
    values: { ours: 1, published: 1 },
    bounds: [atMost(1, "published")],
  });
  const svg = drawResults(resultsOf([line]));
  expect(svg).toContain("a &lt; b &amp; c");
  expect(svg).toContain("@media(prefers-color-scheme:dark)");
});

describe.each([relay, scale, http, kept, postgres])("$name", ({ rows }) => {
  const specs = rows.flatMap((row): readonly Pick<Line, "label" | "plain">[] => row.lines);

  test("has a name for each row, and a label for each line, of its own", () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    expect(new Set(specs.map(({ label }) => label)).size).toBe(specs.length);
  });

  test("has plain labels that fit the picture", () => {
    const long = specs.flatMap(({ plain }) => plain ?? []).filter((text) => text.length > LABEL_CHARACTERS);
    expect(long).toEqual([]);
  });
});
