// The table, in Markdown, which reads well on a terminal too: its columns are aligned.

import { isReached, ratioTo, targetOf, type Contender, type Line } from "./line.ts";
import { digits, show } from "./units.ts";

interface Column {
  head: string;
  cell: (line: Line) => string;
}

const value = (contender: Contender): Column => ({
  head: contender,
  cell: ({ values, unit }) => {
    const measured = values[contender];
    return measured === undefined ? "" : show(measured, unit);
  },
});

const ratio = (rival: "floor" | "published"): Column => ({
  head: `× ${rival}`,
  cell: (line) => {
    const of = ratioTo(rival, line);
    return of === undefined ? "" : digits(of);
  },
});

const REACHED: Readonly<Record<string, string>> = { true: "yes", false: "**no**" };

const COLUMNS: readonly Column[] = [
  { head: "", cell: ({ label }) => label },
  value("floor"),
  value("published"),
  value("ours"),
  ratio("floor"),
  ratio("published"),
  { head: "target", cell: targetOf },
  { head: "noise", cell: ({ noise }) => (noise === undefined ? "" : `${Math.round(noise * 100)} %`) },
  { head: "reached", cell: (line) => REACHED[String(isReached(line))] ?? "" },
];

/** Without the columns that no line fills. */
export function printTable(lines: readonly Line[]): string {
  const columns = COLUMNS.filter(({ cell }) => lines.some((line) => cell(line) !== ""));
  const rows = [
    columns.map(({ head }) => head),
    ...lines.map((line) => columns.map(({ cell }) => cell(line))),
  ];
  const widths = columns.map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
  const print = (row: string[]): string =>
    `| ${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [print(head), rule, ...body.map(print)].join("\n");
}
