// The table, in Markdown, which reads well on a terminal too where its columns are aligned.

import type { Line, Row } from "../rows/row.ts";
import type { Contender, Outcome, RowResult } from "./measure-row.ts";

const HEAD = ["", "floor", "published", "ours", "ours : published", "target", "reached"];

export function linesOf(row: Row, result: RowResult): string[][] {
  return row.lines.map((line) => {
    const values = { ours: valueOf(result, "ours", line), published: valueOf(result, "published", line) };
    const bare = valueOf(result, "bare", line);
    const isReached = line.isReached(bare === undefined ? toValues(values) : { ...toValues(values), bare });
    return [
      line.label,
      cell(result.bare, line),
      cell(result.published, line),
      cell(result.ours, line),
      ratio(values.ours, values.published),
      line.target,
      isReached ? "yes" : "no",
    ];
  });
}

export function table(lines: string[][]): string {
  return printTable(HEAD, lines);
}

export function printTable(head: string[], lines: string[][]): string {
  const rows = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const print = (row: string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [print(head), rule, ...lines.map(print)].join("\n");
}

/** Why a library has no value, a line each. */
export function failures(row: Row, result: RowResult): string[] {
  return Object.entries(result).flatMap(([contender, outcome]) =>
    outcome.kind === "failed" ? [`${row.name}, ${contender}: ${outcome.why}`] : [],
  );
}

/** What wasn't measured compares as not reached. */
function toValues(values: { ours: number | undefined; published: number | undefined }) {
  return { ours: values.ours ?? Number.NaN, published: values.published ?? Number.NaN };
}

function valueOf(result: RowResult, contender: Contender, line: Line): number | undefined {
  const outcome = result[contender];
  return outcome?.kind === "measured" ? outcome.medians[line.key] : undefined;
}

function cell(outcome: Outcome | undefined, line: Line): string {
  if (outcome === undefined) return "";
  return outcome.kind === "failed" ? "failed" : line.show(outcome.medians[line.key] ?? Number.NaN);
}

function ratio(ours: number | undefined, published: number | undefined): string {
  if (ours === undefined || published === undefined) return "";
  const value = ours / published;
  // Two digits that count, and no exponent.
  return value >= 100 ? value.toFixed() : value.toPrecision(2);
}
