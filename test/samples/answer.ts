// What the model of a sample says, so that a reader's text tells by itself whether it is whole, and of one answer only.

import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const LINE_MS = 8;

/**
 * Each line names the answer that it is of, and its number: `3f2a… 17`; the last one says how many came before: `3f2a… of 18`.
 * The answer ends once the file `FINISH_FILE` of the environment is there: an answer never ends before its reader is cut as
 * often as a test wants. `frame` makes an event of a line, or a line of plain text.
 */
export function makeLines(frame: (line: string) => string, signal?: AbortSignal): ReadableStream<string> {
  const name = randomUUID();
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      await sleep(LINE_MS, undefined, signal && { signal });
      const isLast = existsSync(process.env["FINISH_FILE"] ?? "");
      controller.enqueue(frame(`${name} ${isLast ? `of ${next}` : next}`));
      next += 1;
      if (isLast) controller.close();
    },
  });
}

/** What a page shows of a text: an AI SDK's chunks say it in their deltas. */
function shown(text: string): string {
  const deltas = [...text.matchAll(/^data: \{"type":"text-delta".*"delta":("(?:[^"\\]|\\.)*")\}$/gm)];
  return deltas.length === 0 ? text : deltas.map(([, json = '""']) => String(JSON.parse(json))).join("");
}

/** How many lines of one answer a text has, from the first on; throws if it is of two answers, or has a hole or a double. */
export function linesOf(text: string): number {
  const lines = [...shown(text).matchAll(/^(?:data: )?([0-9a-f-]{36}) (\d+)$/gm)];
  const [first] = lines;
  lines.forEach(([line, name, number], index) => {
    if (name === first?.[1] && Number(number) === index) return;
    throw new Error(`Line ${index} of ${first?.[1] ?? "no answer"} is "${line}".`);
  });
  return lines.length;
}

/** Whether the last line is there, and every line before it. */
export function isWhole(text: string): boolean {
  const [, count] = /^(?:data: )?[0-9a-f-]{36} of (\d+)\s*$/m.exec(shown(text)) ?? [];
  return count !== undefined && Number(count) === linesOf(text);
}
