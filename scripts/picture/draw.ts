// Draws a record of the demo as one SVG that moves by CSS alone. Readers who want no motion see its last moment.

import type { Moment, Screen } from "./record.ts";

export interface Theme {
  ink: string;
  soft: string;
  ground: string;
  card: string;
  line: string;
  frame: string;
  cable: string;
  missed: string;
  missedGround: string;
  live: string;
  bad: string;
}

const WIDTH = 840;
const HEIGHT = 452;
const COLUMNS = [210, 630] as const;
const SCREEN = { left: -190, top: 150, width: 380, height: 232 };
/** A line of a screen: how many characters it has, at the width of one. */
const LINE = { characters: 46, width: 7.4, height: 20, first: 208 };
/** How long a word that was missed keeps its colour, in moments. */
const MISSED_MOMENTS = 14;
/** The last moment stays, in moments. */
const HOLD = 14;

interface Span {
  from: number;
  /** The first moment without it; absent if it stays. */
  to?: number | undefined;
}

export function draw(
  moments: readonly Moment[],
  { theme, stepMs }: { theme: Theme; stepMs: number },
): string {
  const steps = moments.length + HOLD;
  const spans = new Map<string, Span>();
  const shown = (span: Span, content: string): string => {
    if (content === "") return "";
    const name = `s${span.from}${span.to === undefined ? "" : `-${span.to}`}`;
    spans.set(name, span);
    return `<g class="${name}">${content}</g>`;
  };
  /** Draws something of each moment, once for as long as it stays the same. */
  const changing = (drawOf: (moment: Moment) => string): string =>
    runs(moments.map(drawOf))
      .map(({ from, to, value }) => shown({ from, to: to === moments.length ? undefined : to }, value))
      .join("");

  const parts = [
    ...[0, 1].map((index) => changing((moment) => serverOf(moment, index))),
    ...[0, 1].map((index) => changing((moment) => cableOf(moment, index))),
    ...[0, 1].map((index) => frameOf(index)),
    ...[0, 1].map((index) => changing((moment) => statusOf(moment, index))),
    ...[0, 1].map((index) =>
      wordsOf(
        moments.map(({ screens }) => screens[index]),
        { index, shown },
      ),
    ),
    changing(({ proof, cost }) => lineOf(proof, cost)),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-size="15">`,
    `<style>${styleOf(theme)}${motionOf(spans, { steps, seconds: (steps * stepMs) / 1_000 })}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="12"/>`,
    ...parts.filter((part) => part !== ""),
    "</svg>\n",
  ].join("\n");
}

function serverOf({ servers }: Moment, index: number): string {
  const server = servers[index];
  if (!server) return "";
  const x = COLUMNS[index] ?? 0;
  return (
    `<rect class="box ${server.kind}" x="${x - 110}" y="16" width="220" height="52" rx="9"/>` +
    `<text class="name ${server.kind}" x="${x - 96}" y="38">Server ${"AB"[index]}</text>` +
    `<text class="small" x="${x - 96}" y="57">${escape(server.role.replace(/process \d+/, "ready"))}</text>`
  );
}

function cableOf({ screens, servers }: Moment, index: number): string {
  const screen = screens[index];
  if (!screen) return "";
  const [x, top] = screen.isOut ? [(COLUMNS[index] ?? 0) - 34, 104] : [COLUMNS[index] ?? 0, 132];
  const from = COLUMNS[screen.server] ?? 0;
  const line = `M${from},68 C${from},100 ${x},${top - 36} ${x},${top - 4}`;
  const isDead = servers[screen.server]?.kind === "dead";
  const isLive = !screen.isOut && !isDead && screen.status === "live";
  return (
    `<path class="cable${screen.isOut || isDead ? " cut" : ""}" d="${line}"/>` +
    (isLive ? `<path class="flow" d="${line}"/>` : "") +
    `<g class="plug" transform="translate(${x} ${top})${screen.isOut ? " rotate(24)" : ""}">` +
    `<rect x="-12" y="-6" width="24" height="20" rx="4"/><path d="M-6 14v7M6 14v7"/></g>`
  );
}

function frameOf(index: number): string {
  const x = (COLUMNS[index] ?? 0) + SCREEN.left;
  const name = index === 0 ? "Phone" : "Laptop";
  return (
    `<rect class="device" x="${x}" y="${SCREEN.top}" width="${SCREEN.width}" height="${SCREEN.height}" rx="${index === 0 ? 22 : 10}"/>` +
    `<text class="name" x="${x + 20}" y="180">${name}</text>`
  );
}

function statusOf({ screens }: Moment, index: number): string {
  const status = screens[index]?.status ?? "";
  const kind = /^(cable|waiting|lost|joins|connects)/.exec(status)?.[0] === "cable" ? "bad" : "soft";
  const x = (COLUMNS[index] ?? 0) + SCREEN.left + SCREEN.width - 20;
  return `<text class="${kind}" x="${x}" y="180" text-anchor="end">${escape(status)}</text>`;
}

function lineOf(proof: string, cost: string): string {
  return (
    `<text class="name" x="20" y="412">${escape(proof)}</text>` +
    `<text class="small" x="20" y="434">${escape(cost)}</text>`
  );
}

interface Placed {
  text: string;
  isMissed: boolean;
  x: number;
  y: number;
  /** The moment it was there first. */
  from: number;
}

function wordsOf(
  screens: readonly (Screen | undefined)[],
  { index, shown }: { index: number; shown: (span: Span, content: string) => string },
): string {
  const left = (COLUMNS[index] ?? 0) + SCREEN.left + 20;
  const placed: Placed[] = [];
  let [column, line] = [0, 0];
  for (const { text, isMissed, from } of arrivalsOf(screens)) {
    const word = text.trimEnd();
    if (column + word.length > LINE.characters) [column, line] = [0, line + 1];
    placed.push({
      text: word,
      isMissed,
      from,
      x: left + column * LINE.width,
      y: LINE.first + line * LINE.height,
    });
    column += word.length + 1;
    if (text.includes("\n\n")) [column, line] = [0, line + 2];
  }
  // All that came in one moment on one line is one text: spaces keep its place, whatever the font.
  const groups = new Map<string, Placed[]>();
  for (const word of placed) {
    const key = `${word.from} ${word.y} ${word.isMissed}`;
    groups.set(key, [...(groups.get(key) ?? []), word]);
  }
  return [...groups.values()]
    .map((words) => {
      const [first] = words;
      if (!first) return "";
      const text = words.map((word) => word.text).join(" ");
      const place = `x="${round(first.x)}" y="${first.y}" textLength="${round(text.length * LINE.width)}"`;
      const plain = `<text class="word" ${place}>${escape(text)}</text>`;
      if (!first.isMissed) return shown({ from: first.from }, plain);
      const turns = first.from + MISSED_MOMENTS;
      const isTurned = turns < screens.length + HOLD - 2;
      const ground = `<rect class="missed-ground" x="${round(first.x - 2)}" y="${first.y - 14}" width="${round(text.length * LINE.width + 4)}" height="19" rx="3"/>`;
      const coloured = ground + plain.replace('"word"', '"word missed"');
      const before = shown({ from: first.from, to: isTurned ? turns : undefined }, coloured);
      return before + (isTurned ? shown({ from: turns }, plain) : "");
    })
    .join("");
}

/** Each word of the last moment, with the moment in which it was there first. */
function arrivalsOf(
  screens: readonly (Screen | undefined)[],
): { text: string; isMissed: boolean; from: number }[] {
  const last = screens.at(-1)?.words ?? [];
  let from = 0;
  return joined(last).map((word, index) => {
    while (from < screens.length - 1 && joined(screens[from]?.words ?? []).length <= index) from++;
    return { ...word, from };
  });
}

/** A word that was missed has its space in a node of its own. */
function joined(words: Screen["words"]): Screen["words"] {
  const whole: Screen["words"] = [];
  for (const word of words) {
    const previous = whole.at(-1);
    if (word.text.trim() === "" && previous)
      whole[whole.length - 1] = { ...previous, text: previous.text + word.text };
    else whole.push(word);
  }
  return whole;
}

function runs(values: readonly string[]): { from: number; to: number; value: string }[] {
  const found: { from: number; to: number; value: string }[] = [];
  for (const [at, value] of values.entries()) {
    const last = found.at(-1);
    if (last?.value === value) last.to = at + 1;
    else found.push({ from: at, to: at + 1, value });
  }
  return found;
}

function motionOf(
  spans: ReadonlyMap<string, Span>,
  { steps, seconds }: { steps: number; seconds: number },
): string {
  const percent = (at: number): string => `${round((at / steps) * 100)}%`;
  const rules = [...spans].map(([name, { from, to }]) => {
    const frames = [
      ...(from > 0 ? [`0%{opacity:0}${percent(from)}{opacity:1}`] : ["0%{opacity:1}"]),
      ...(to === undefined ? [] : [`${percent(to)}{opacity:0}`]),
    ];
    // Without motion the picture is that of the end.
    const still = to === undefined ? "" : "opacity:0;";
    return `.${name}{${still}animation-name:${name}}@keyframes ${name}{${frames.join("")}}`;
  });
  return (
    `g[class^=s]{animation-duration:${round(seconds)}s;animation-timing-function:step-end;animation-iteration-count:infinite}` +
    rules.join("") +
    ".flow{animation:flow .8s linear infinite}@keyframes flow{to{stroke-dashoffset:-16}}" +
    "@media(prefers-reduced-motion:reduce){g[class^=s],.flow{animation:none}}"
  );
}

function styleOf(theme: Theme): string {
  return [
    `text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;fill:${theme.ink}}`,
    ".word{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12.3px}",
    ".name{font-weight:600}",
    `.small{font-size:13px;fill:${theme.soft}}.soft{fill:${theme.soft}}.bad,.name.dead{fill:${theme.bad}}`,
    `.ground{fill:${theme.ground}}`,
    `.box{fill:${theme.card};stroke:${theme.line};stroke-width:2}.box.produces{stroke:${theme.live}}`,
    `.box.dead{stroke:${theme.bad};stroke-dasharray:5 4}`,
    `.device{fill:${theme.card};stroke:${theme.frame};stroke-width:6}`,
    `.cable,.flow{fill:none;stroke:${theme.cable};stroke-width:3;stroke-linecap:round}`,
    `.cable.cut{stroke:${theme.soft};stroke-dasharray:5 6}.flow{stroke:${theme.live};stroke-dasharray:3 13}`,
    `.plug{fill:${theme.frame};stroke:${theme.frame};stroke-width:4}.plug rect{stroke:none}`,
    `.word.missed{fill:${theme.missed}}.missed-ground{fill:${theme.missedGround}}`,
  ].join("");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
