// What the model of a sample says, so that a reader's text tells by itself whether it is whole, and of one answer only.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** Lines of one answer. */
export const LINES = 1_500;
/** So that an answer outlasts thirty cuts, each with a wait of up to half a second behind it. */
const LINE_MS = 8;

/** Each line names the answer that it is of, and its number: `3f2a… 17`. `frame` makes an event of it, or a line of plain text. */
export function makeLines(frame: (line: string) => string, signal?: AbortSignal): ReadableStream<string> {
  const name = randomUUID();
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      await sleep(LINE_MS, undefined, signal && { signal });
      controller.enqueue(frame(`${name} ${next++}`));
      if (next === LINES) controller.close();
    },
  });
}

/** How many lines of one answer a text has, from the first on; throws where it is of two answers, or has a hole or a double. */
export function linesOf(text: string): number {
  const lines = [...text.matchAll(/^(?:data: )?([0-9a-f-]{36}) (\d+)$/gm)];
  const [first] = lines;
  lines.forEach(([line, name, number], index) => {
    if (name === first?.[1] && Number(number) === index) return;
    throw new Error(`Line ${index} of ${first?.[1] ?? "no answer"} is "${line}".`);
  });
  return lines.length;
}
