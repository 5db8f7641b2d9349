// What the demo's page shows over a while, as a list of moments.

import type { Page } from "playwright-core";

export interface Screen {
  status: string;
  /** Words with the space behind them; `isMissed` came after a gap. */
  words: { text: string; isMissed: boolean }[];
  /** Which server its cable leads to. */
  server: number;
  isOut: boolean;
}

export interface Moment {
  /** In milliseconds since the record began. */
  at: number;
  screens: Screen[];
  servers: { role: string; kind: "idle" | "produces" | "dead" }[];
  proof: string;
  cost: string;
}

/** Runs in the page, so it is a text: the compiler's helpers aren't there. */
const LOOK = `(() => {
  const text = (selector) => document.querySelector(selector).innerText;
  const screen = (number) => ({
    status: text("#status-" + number),
    words: Array.from(document.querySelector("#text-" + number).childNodes).flatMap((node) => {
      const isMissed = node.nodeType === 1;
      return (node.textContent.match(/\\S+\\s*|\\s+/g) ?? []).map((text) => ({ text, isMissed }));
    }),
    server: Number(/^M([\\d.]+)/.exec(document.querySelector(".cable-" + number).getAttribute("d"))[1]) > 50 ? 1 : 0,
    isOut: document.querySelector("#plug-" + number).classList.contains("out"),
  });
  const server = (number) => ({
    role: text("#role-" + number),
    kind: ["produces", "dead"].find((kind) => document.querySelector("#server-" + number).classList.contains(kind)) ?? "idle",
  });
  return { screens: [screen(1), screen(2)], servers: [server(1), server(2)], proof: text("#proof"), cost: text("#cost") };
})()`;

/** Looks every `stepMs` until `isOver`. */
export async function record(
  page: Page,
  { stepMs, isOver }: { stepMs: number; isOver: () => boolean },
): Promise<Moment[]> {
  const moments: Moment[] = [];
  const begin = performance.now();
  while (!isOver()) {
    const seen = await page.evaluate<Omit<Moment, "at">>(LOOK);
    moments.push({ ...seen, at: performance.now() - begin });
    const next = begin + moments.length * stepMs;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
  return moments;
}
