// RESULTS.md: one table for each group, how noisy the machine was, and what got worse.

import type { Change, Comparison } from "./comparison.ts";
import { isReached, type Line } from "./line.ts";
import type { Results } from "./results.ts";
import { percentile } from "./statistics.ts";
import { printTable } from "./table.ts";

export function pageOf(results: Results, comparison: Comparison): string {
  const { machine, versions } = results;
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# Results

This library and the published resumable-stream 2.2.13, in turn in one run, each in processes of its own. Each value is the
median of several rounds. [README.md](README.md) says what each line means. Made by \`npm run bench\`.

- Date: ${results.date}, in ${minutes(results.tookSeconds)}
- Processor: ${machine.processor}, ${machine.cores} cores
- Memory: ${machine.memoryGiB} GiB
- System: ${machine.system}, ${names.join(", ")}

${reportOf(results, comparison)}
`;
}

/** What a terminal shows. */
export function reportOf(results: Results, comparison: Comparison): string {
  const groups = results.groups.map(({ title, intro, lines, failures }) =>
    [`## ${title}`, intro, printTable(lines), failures.map(item).join("\n"), missedText(lines)]
      .filter((part) => part !== "")
      .join("\n\n"),
  );
  return [summaryOf(results), ...groups, comparisonText(comparison)].join("\n\n");
}

/** What was tried for the lines that miss their target. Lines that share an explanation stand together. */
function missedText(lines: readonly Line[]): string {
  const labels = new Map<string, string[]>();
  for (const line of lines) {
    if (isReached(line) !== false) continue;
    const { tried = "Nothing was tried yet.", label } = line;
    labels.set(tried, [...(labels.get(tried) ?? []), label]);
  }
  if (labels.size === 0) return "";
  const items = [...labels].map(([tried, shared]) => item(`${shared.map(bold).join("; ")}: ${tried}`));
  return `Not reached:\n\n${items.join("\n")}`;
}

function summaryOf({ groups }: Results): string {
  const lines = groups.flatMap((group) => group.lines);
  const judged = lines.flatMap((line) => isReached(line) ?? []);
  const reached = judged.filter((isTrue) => isTrue);
  const noises = lines.flatMap(({ noise }) => noise ?? []);
  const share = (percent: number): string => `${Math.round(percentile(noises, percent) * 100)} %`;
  const noise =
    noises.length === 0
      ? ""
      : ` Noise: rounds of one and the same floor lay ${share(50)} apart for half of the lines, and ${share(90)} for nine of ten.`;
  return `${reached.length} of ${judged.length} targets are reached.${noise}`;
}

function comparisonText(comparison: Comparison): string {
  if (comparison.kind === "none") return `## Against the run before\n\nNot compared: ${comparison.why}.`;
  const { worse, unclear } = comparison;
  const text = [
    worse.length === 0
      ? "No line got worse by more than 10 % and more than its noise."
      : `Worse by more than 10 % and more than the noise:\n\n${worse.map(changed).join("\n")}`,
    unclear.length === 0
      ? ""
      : `Worse by more than 10 %, within the noise:\n\n${unclear.map(changed).join("\n")}`,
  ];
  return [`## Against the run of ${comparison.with}`, ...text.filter((part) => part !== "")].join("\n\n");
}

function changed({ group, label, worse, noise }: Change): string {
  const by = Number.isFinite(worse) ? `${Math.round(worse * 100)} % worse` : "no value any more";
  return item(`${group}: ${label}: ${by}, noise ${Math.round(noise * 100)} %`);
}

function item(text: string): string {
  return `- ${text}`;
}

function bold(text: string): string {
  return `**${text}**`;
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
