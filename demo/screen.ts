// Two progress lines in a terminal; labelled lines, one per event, everywhere else.

import { stripVTControlCharacters, styleText } from "node:util";
import { wordsOf } from "./text.ts";

export type Phase = "waiting" | "reading" | "dropped" | "resumed" | "joined late" | "whole";

export interface Line {
  name: string;
  phase: Phase;
  text: string;
  /** Where the reader's latest connection started; what lies before came over an earlier one. */
  from: number;
}

export interface Screen {
  /** Says something that stays. */
  say: (message: string) => void;
  /** Shows where the readers are. */
  draw: (lines: readonly Line[]) => void;
}

type Style = Parameters<typeof styleText>[0];

const styleOf: Record<Phase, Style> = {
  waiting: "gray",
  reading: "cyan",
  dropped: "yellow",
  resumed: "green",
  "joined late": "magenta",
  whole: "green",
};

export function createScreen(output: NodeJS.WriteStream, total: number): Screen {
  // A line that wraps can't be drawn over.
  const isLive = output.isTTY && process.env["TERM"] !== "dumb" && (output.columns || 80) >= 60;
  return isLive ? liveScreen(output, total) : plainScreen(output, total);
}

/** Colour where the terminal has it and NO_COLOR doesn't object. */
export function paint(style: Style, message: string): string {
  const hasColor = process.stdout.isTTY && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  return hasColor ? styleText(style, message) : message;
}

function liveScreen(output: NodeJS.WriteStream, total: number): Screen {
  // How many lines the last drawing left above the cursor.
  let drawn = 0;
  const show = (rows: readonly string[]): void => {
    const up = drawn > 0 ? `\u001B[${drawn}A` : "";
    output.write(up + rows.map((row) => `\r\u001B[2K${row}\n`).join(""));
  };
  return {
    say(message) {
      output.write(`${message}\n`);
      drawn = 0;
    },
    draw(lines) {
      const columns = output.columns || 80;
      show(lines.map((line) => progressRow(line, { total, columns })));
      drawn = lines.length;
    },
  };
}

function plainScreen(output: NodeJS.WriteStream, total: number): Screen {
  const told = new Map<string, Phase>();
  return {
    say(message) {
      output.write(`${message}\n`);
    },
    draw(lines) {
      for (const { name, phase, text } of lines) {
        if (phase === "waiting" || told.get(name) === phase) continue;
        told.set(name, phase);
        output.write(`  ${name}  ${phase.padEnd(12)} ${count(text.length)} of ${count(total)}\n`);
      }
    },
  };
}

function progressRow(line: Line, { total, columns }: { total: number; columns: number }): string {
  const width = Math.max(10, Math.min(32, columns - 48));
  const filled = Math.round((line.text.length / total) * width);
  const before = Math.min(filled, Math.round((line.from / total) * width));
  const style = styleOf[line.phase];
  const bar =
    paint("cyan", "█".repeat(before)) +
    paint(style, "█".repeat(filled - before)) +
    paint("gray", "░".repeat(width - filled));
  const head = `  ${line.name}  ${bar} ${count(line.text.length).padStart(count(total).length)}  ${paint(style, line.phase.padEnd(11))}  `;
  const room = columns - stripVTControlCharacters(head).length - 2;
  return head + paint("gray", lastWords(line.text, room));
}

// Wide characters take two columns: only as many as surely fit on one line.
function lastWords(text: string, room: number): string {
  const words = wordsOf(text.slice(-2_000).replace(/^[^]*?\n\n/, "")).replace(/\s+/g, " ");
  let columns = 0;
  let kept = "";
  for (const character of Array.from(words).reverse()) {
    columns += character < "\u1100" ? 1 : 2;
    if (columns > room) break;
    kept = character + kept;
  }
  return kept;
}

export function count(units: number): string {
  return units.toLocaleString("en");
}
