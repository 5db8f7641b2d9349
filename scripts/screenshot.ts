// npm run screenshot: the README's moving picture, drawn from a run of the demo over a Redis of its own. Still pictures of
// the page go to the temporary folder, to be looked at.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { openChromium } from "../test/support/chromium.ts";
import { RedisServer } from "../test/support/redis-server.ts";
import { until } from "../test/support/wait.ts";
import { draw, type Theme } from "./picture/draw.ts";
import { type Moment, record } from "./picture/record.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const stills = join(tmpdir(), "resumable-stream-demo");
rmSync(stills, { recursive: true, force: true });
mkdirSync(stills);

const STEP_MS = 150;

const themes: Record<"light" | "dark", Theme> = {
  light: {
    ink: "#1c2430",
    soft: "#5d6878",
    ground: "#f3f5f8",
    card: "#fff",
    line: "#d6dce5",
    frame: "#39434f",
    cable: "#aab4c2",
    missed: "#b35c00",
    missedGround: "#ffe3bd",
    live: "#14805a",
    bad: "#c02d2d",
  },
  dark: {
    ink: "#e6e9ef",
    soft: "#9aa5b5",
    ground: "#0e1217",
    card: "#1a2029",
    line: "#323c4a",
    frame: "#4a5666",
    cable: "#4a5666",
    missed: "#ffb84d",
    missedGround: "#4d3510",
    live: "#4ccb93",
    bad: "#ff8a80",
  },
};

const redis = await RedisServer.start();
const demo = spawn(process.execPath, ["--import", "tsx", "demo/demo.ts"], {
  cwd: root,
  // Slow enough to be read, and to fit the picture.
  env: { ...process.env, REDIS_URL: redis.url, POSTGRES_URL: "", PORT: "0", DEMO_WORD_MS: "170" },
  stdio: ["ignore", "pipe", "inherit"],
});
let said = "";
demo.stdout.on("data", (data: Buffer) => (said += data.toString()));
const url = await until(() => /http:\S+/.exec(said)?.[0], { what: "the demo to start", withinMs: 30_000 });
const browser = await openChromium();

const moving = await browser.newPage({ viewport: { width: 1000, height: 800 } });
await moving.goto(`${url}?store=redis`);
const moments = await film(moving);
for (const [name, theme] of Object.entries(themes)) {
  const path = join(root, `docs/images/demo-${name}.svg`);
  writeFileSync(path, draw(moments, { theme, stepMs: STEP_MS }));
  console.log(path);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const [name, viewport] of [
    ["wide", { width: 1000, height: 800 }],
    ["phone", { width: 390, height: 844 }],
  ] as const) {
    const page = await browser.newPage({ viewport, colorScheme });
    await page.goto(`${url}?store=redis${colorScheme === "dark" ? "&split" : ""}`);
    await scene(page);
    await page.screenshot({ path: join(stills, `${name}-${colorScheme}.png`) });
    if (colorScheme === "dark") {
      await page.click(".produces button");
      await until(async () => (await page.locator("#status-1").innerText()).startsWith("lost"), {
        what: "an end",
      });
      await page.screenshot({ path: join(stills, `${name}-killed.png`) });
    }
    await page.close();
  }
}
console.log(stills);

await browser.close();
demo.kill("SIGTERM");
await once(demo, "exit");
await redis.stop();

/** A laptop that joins late, a cable that is out for a while, and the death of the server that doesn't produce. */
async function film(page: Page): Promise<Moment[]> {
  let isOver = false;
  const recorded = record(page, { stepMs: STEP_MS, isOver: () => isOver });
  await untilWords(page, 2, 19);
  await page.click("#plug-1");
  await untilWords(page, 2, 33);
  await page.click("#plug-1");
  await untilWords(page, 1, 42);
  await page.click(".server:not(.produces) button");
  await untilWords(page, 2, 57);
  // Read to its end by both.
  await page.click("#stop");
  await until(async () => (await page.locator("#proof").innerText()).endsWith("equal"), { what: "a proof" });
  await pass(2 * STEP_MS);
  isOver = true;
  return recorded;
}

/** Both devices read, and the phone's cable has been out. */
async function scene(page: Page): Promise<void> {
  await untilWords(page, 2, 15);
  await page.click("#plug-1");
  await untilWords(page, 2, 30);
  await page.click("#plug-1");
  await untilWords(page, 1, 36);
}

async function untilWords(page: Page, reader: 1 | 2, words: number): Promise<void> {
  await until(async () => (await page.locator(`#text-${reader}`).innerText()).split(/\s+/).length > words, {
    what: `reader ${reader} to have more than ${words} words`,
    withinMs: 60_000,
  });
}
