import { expect, test } from "vitest";
import type { Contender } from "../../bench/lib/line.ts";
import { measureRow } from "../../bench/lib/measure-row.ts";
import type { Measurement, Row } from "../../bench/lib/row.ts";

type Values = Partial<Record<Contender, (number | Error)[]>>;

/** Each contender gives its values in turn. */
function rowOf(values: Values, given: Partial<Row<string[]>> = {}): Row<string[]> {
  const contenders = Object.entries(values).map(([contender, left]) => {
    const rest = [...left];
    const open = async (log: string[]): Promise<Measurement> => ({
      async measure(round) {
        log.push(`${contender} ${round}`);
        const value = rest.shift();
        if (value instanceof Error) throw value;
        return { ms: value ?? Number.NaN };
      },
      [Symbol.asyncDispose]: async () => void log.push(`${contender} closed`),
    });
    return [contender, open] as const;
  });
  const line = { key: "ms", label: "a line", unit: "ms", bounds: [] } as const;
  return {
    name: "a row",
    rounds: 3,
    lines: [{ ...line, bounds: [] }],
    contenders: Object.fromEntries(contenders),
    ...given,
  };
}

test("contenders take turns, the floor first, and the round that warms up counts for nothing", async () => {
  const log: string[] = [];
  const row = rowOf({ ours: [900, 3, 1, 2], floor: [900, 4, 6, 5] });
  const { lines, failures } = await measureRow(row, log);
  expect(lines).toMatchObject([{ values: { ours: 2, floor: 5 }, noise: 0.4 }]);
  expect(failures).toEqual([]);
  expect(log.slice(0, 4)).toEqual(["floor 0", "ours 0", "floor 1", "ours 1"]);
  expect(log.slice(-2)).toEqual(["floor closed", "ours closed"]);
});

test("a row that is measured cold has no round that warms up", async () => {
  const { lines } = await measureRow(rowOf({ ours: [7] }, { rounds: 1, warmsUp: false }), []);
  expect(lines).toEqual([{ label: "a line", unit: "ms", bounds: [], values: { ours: 7 } }]);
});

test("one that fails has no value, is asked no further, and costs the others nothing", async () => {
  const log: string[] = [];
  const row = rowOf({ published: [1, new Error("it hangs\n    at once"), 1, 1], ours: [1, 2, 2, 2] });
  const { lines, failures } = await measureRow(row, log);
  expect(lines[0]?.values).toEqual({ ours: 2 });
  expect(failures).toEqual(["a row, published: it hangs"]);
  expect(log.filter((entry) => entry.startsWith("published "))).toEqual([
    "published 0",
    "published 1",
    "published closed",
  ]);
});

test("one that can't be opened is named too", async () => {
  const row = rowOf({ ours: [1, 1, 1, 1] });
  row.contenders.floor = () => Promise.reject(new Error("no such server"));
  const { lines, failures } = await measureRow(row, []);
  expect(lines[0]?.values).toEqual({ ours: 1 });
  expect(failures).toEqual(["a row, floor: no such server"]);
});
