// Draws a run for the README: what this library takes of what its rivals take, shorter is better. One file, which is light or dark
// as its reader's system is.

import { isReached, ratioTo, thresholdOf, type Bound, type Line, type Rival } from "./lib/line.ts";
import type { Results } from "./lib/results.ts";
import { percentile } from "./lib/statistics.ts";
import { digits, show } from "./lib/units.ts";

const WIDTH = 800;
/** Where bars begin, how long the longest is, and how many times its rival that is. */
export const BAR = { x: 316, width: 264, most: 2 };
export const LABEL_CHARACTERS = 40;
const EDGE = 24;
const ROW = 26;
const COLUMNS = { ratio: 640, ours: 710, rival: WIDTH - EDGE };

const RIVALS: Readonly<Record<Rival, { title: string; head: string }>> = {
  published: { title: "Beside resumable-stream 2.2.13", head: "2.2.13" },
  floor: { title: "Beside the least code that does the same, written by hand", head: "by hand" },
};

const LIGHT = {
  ground: "#f6f8fa",
  ink: "#1c2430",
  soft: "#5d6878",
  track: "#e3e8ee",
  reached: "#1f9d6b",
  missed: "#d9822b",
  mark: "#1c2430",
};
const DARK: typeof LIGHT = {
  ground: "#12171e",
  ink: "#e6e9ef",
  soft: "#9aa5b5",
  track: "#232b36",
  reached: "#3fb985",
  missed: "#e8994a",
  mark: "#e6e9ef",
};

export function drawResults(results: Results): string {
  const lines = results.groups.flatMap((group) => group.lines);
  const parts: string[] = [];
  let y = 20;
  for (const rival of ["published", "floor"] as const) {
    const drawn = lines.filter((line) => isBeside(rival, line));
    if (drawn.length === 0) continue;
    parts.push(panelHead(rival, y));
    y += 46;
    for (const line of drawn) {
      parts.push(rowOf(line, { rival, y }));
      y += ROW;
    }
    parts.push(axisOf(rival, { from: y - drawn.length * ROW, to: y }));
    y += 34;
  }
  parts.push(...legendOf(y), text({ x: EDGE, y: y + 28, kind: "small" }, footOf(results)));
  const height = y + 46;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<style>${styleOf()}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="10"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/** Beside each rival that judges it; if none does, beside the published library, or else the floor. */
function isBeside(rival: Rival, { plain, values, bounds }: Line): boolean {
  if (plain === undefined || values[rival] === undefined) return false;
  const judges = bounds.flatMap(({ of }) => of ?? []);
  if (judges.length > 0) return judges.includes(rival);
  return rival === (values.published === undefined ? "floor" : "published");
}

function panelHead(rival: Rival, y: number): string {
  const { title, head } = RIVALS[rival];
  return [
    text({ x: EDGE, y: y + 16, kind: "title" }, title),
    text({ x: COLUMNS.ours, y: y + 38, kind: "small end" }, "ours"),
    text({ x: COLUMNS.rival, y: y + 38, kind: "small end" }, head),
  ].join("\n");
}

function rowOf(line: Line, { rival, y }: { rival: Rival; y: number }): string {
  const { plain = "", unit, values } = line;
  const kind = isReached(line) === false ? "missed" : "reached";
  const [middle, baseline] = [y + ROW / 2, y + ROW / 2 + 4.5];
  const theirs = values[rival] ?? Number.NaN;
  const parts = [
    text({ x: EDGE, y: baseline, kind: "label" }, plain),
    `<rect class="track" x="${BAR.x}" y="${middle - 7}" width="${BAR.width}" height="14" rx="3"/>`,
    text({ x: COLUMNS.rival, y: baseline, kind: "value soft end" }, show(theirs, unit)),
  ];
  const ratio = ratioTo(rival, line);
  if (values.ours === undefined || ratio === undefined)
    return [...parts, text({ x: BAR.x + 8, y: baseline, kind: "value missed" }, "not measured")].join("\n");
  const share = isMoreBetter(line) ? 1 / ratio : ratio;
  const width = lengthOf(share);
  parts.push(
    `<rect class="bar ${kind}" x="${BAR.x}" y="${middle - 7}" width="${width}" height="14" rx="3"/>`,
    ...targetsOf(line, rival).map(
      (x) => `<line class="target" x1="${x}" x2="${x}" y1="${middle - 10}" y2="${middle + 10}"/>`,
    ),
    text(
      { x: COLUMNS.ratio, y: baseline, kind: `value ${kind} strong end` },
      `${digits(Number(share.toPrecision(2)))} ×`,
    ),
    text({ x: COLUMNS.ours, y: baseline, kind: "value end" }, show(values.ours, unit)),
  );
  return parts.join("\n");
}

/** Where the marks are of what ours is held against, as far as the picture goes. */
function targetsOf(line: Line, rival: Rival): number[] {
  const theirs = line.values[rival] ?? Number.NaN;
  return line.bounds
    .filter(({ of = rival }: Bound) => of === rival)
    .map((bound) => {
      const share = thresholdOf(bound, line.values) / theirs;
      return bound.is === "at most" ? share : 1 / share;
    })
    .filter((share) => share <= BAR.most)
    .map((share) => round(BAR.x + lengthOf(share)));
}

function axisOf(rival: Rival, { from, to }: { from: number; to: number }): string {
  const x = BAR.x + lengthOf(1);
  return [
    `<line class="axis" x1="${x}" x2="${x}" y1="${from - 4}" y2="${to + 2}"/>`,
    text({ x, y: from - 8, kind: "small middle" }, `as much as ${RIVALS[rival].head}`),
  ].join("\n");
}

function legendOf(y: number): string[] {
  return [
    `<rect class="bar-key reached" x="${EDGE}" y="${y}" width="12" height="12" rx="3"/>`,
    text({ x: EDGE + 18, y: y + 10, kind: "small" }, "target reached"),
    `<rect class="bar-key missed" x="${EDGE + 124}" y="${y}" width="12" height="12" rx="3"/>`,
    text({ x: EDGE + 142, y: y + 10, kind: "small" }, "target missed"),
    `<line class="key target" x1="${EDGE + 246}" x2="${EDGE + 246}" y1="${y - 2}" y2="${y + 14}"/>`,
    text({ x: EDGE + 254, y: y + 10, kind: "small" }, "target"),
    text({ x: COLUMNS.rival, y: y + 10, kind: "small end" }, "shorter is better"),
  ];
}

function footOf({ date, machine, versions, groups }: Results): string {
  const noises = groups.flatMap(({ lines }) => lines.flatMap(({ noise }) => noise ?? []));
  const noise = noises.length === 0 ? "" : ` · noise ${Math.round(percentile(noises, 50) * 100)} %`;
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date} · ${machine.processor}, ${machine.cores} cores · ${names.join(", ")}${noise}`;
}

function isMoreBetter({ bounds }: Line): boolean {
  return bounds[0]?.is === "at least";
}

function lengthOf(share: number): number {
  return round((Math.min(share, BAR.most) / BAR.most) * BAR.width);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function text({ x, y, kind }: { x: number; y: number; kind: string }, content: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text class="${kind}" x="${round(x)}" y="${y}">${escaped}</text>`;
}

function styleOf(): string {
  const colours = (theme: typeof LIGHT): string =>
    `svg{${Object.entries(theme)
      .map(([name, colour]) => `--${name}:${colour}`)
      .join(";")}}`;
  return [
    colours(LIGHT),
    `@media(prefers-color-scheme:dark){${colours(DARK)}}`,
    'text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;font-size:13.5px;fill:var(--ink)}',
    ".title{font-size:15px;font-weight:600}.small{font-size:12px;fill:var(--soft)}.end{text-anchor:end}.middle{text-anchor:middle}",
    ".value{font-size:13px;font-variant-numeric:tabular-nums}.soft{fill:var(--soft)}",
    "text.missed{fill:var(--missed)}text.reached{fill:var(--reached)}.strong{font-weight:600}",
    ".ground{fill:var(--ground)}.track{fill:var(--track)}rect.reached{fill:var(--reached)}rect.missed{fill:var(--missed)}",
    ".axis{stroke:var(--soft);stroke-dasharray:2 3}.target{stroke:var(--mark);stroke-width:2}",
  ].join("");
}
