// The demo's page: whatever its buttons do, both readers end up with the same text, or are told why not.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { until } from "../support/wait.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

let browser: Browser;

beforeAll(async () => {
  browser = await openChromium();
});

afterAll(() => browser.close());

interface Demo {
  url: string;
  stop: () => Promise<void>;
}

async function startDemo(env: NodeJS.ProcessEnv): Promise<Demo> {
  const child = spawn(process.execPath, ["--import", "tsx", "demo/demo.ts"], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let said = "";
  child.stdout.on("data", (data: Buffer) => (said += data.toString()));
  const url = await until(() => /http:\S+/.exec(said)?.[0], { what: "the demo to start", withinMs: 20_000 });
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

const textOf = (page: Page, reader: 1 | 2) => page.locator(`#text-${reader}`).innerText();
const timelineOf = (page: Page, reader: 1 | 2) => page.locator(`#timeline-${reader}`).innerText();
const statusOf = (page: Page, reader: 1 | 2) => page.locator(`#status-${reader}`).innerText();

async function untilLonger(page: Page, reader: 1 | 2, than: number): Promise<string> {
  return until(
    async () => {
      const text = await textOf(page, reader);
      return text.length > than ? text : undefined;
    },
    { what: `reader ${reader} to have more than ${than} characters` },
  );
}

async function untilBothLonger(page: Page, than: number): Promise<void> {
  await Promise.all(([1, 2] as const).map((reader) => untilLonger(page, reader, than)));
}

async function untilStatus(page: Page, reader: 1 | 2, status: RegExp): Promise<void> {
  await until(async () => status.test(await statusOf(page, reader)), { what: `reader ${reader}: ${status}` });
}

interface Case {
  store: string;
  servers: () => NodeJS.ProcessEnv;
  costs: RegExp;
  keepsText: boolean;
}

const noServer = (): NodeJS.ProcessEnv => ({ REDIS_URL: "", POSTGRES_URL: "" });
const redis = (): NodeJS.ProcessEnv => ({ REDIS_URL: inject("redisUrl"), POSTGRES_URL: "" });
const postgres = (): NodeJS.ProcessEnv => ({ REDIS_URL: "", POSTGRES_URL: inject("postgresUrl") });

describe.each<Case>([
  { store: "pglite", servers: noServer, costs: /^It asks no server/, keepsText: true },
  { store: "memory", servers: noServer, costs: /^It asks no server/, keepsText: false },
  { store: "redis", servers: redis, costs: /^\d+ Redis commands so far/, keepsText: false },
  {
    store: "postgres",
    servers: postgres,
    costs: /^[1-9]\d* SQL statements/,
    keepsText: true,
  },
])("over $store", ({ store, servers, costs, keepsText }) => {
  /** What readers are told of a stream whose process was killed. */
  const death = keepsText ? /^failed: its text is kept/ : /^lost/;
  let demo: Demo;

  beforeAll(async () => {
    demo = await startDemo({ ...servers(), PORT: "0" });
  });

  afterAll(() => demo.stop());

  async function openPage(): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    await page.goto(`${demo.url}?store=${store}`);
    await untilBothLonger(page, 40);
    return page;
  }

  test("drop, reload, another viewer and stop: every reader has the same text, by replay and then live", async () => {
    const page = await openPage();
    await until(async () => costs.test(await page.locator("#cost").innerText()), { what: "what it costs" });
    expect(await timelineOf(page, 2)).toMatch(/^0–\d+ replay$/m);

    await page.click("#drop");
    await until(async () => /connected at [1-9]/.test(await timelineOf(page, 1)), { what: "a resume" });
    const resumed = await untilLonger(page, 1, (await textOf(page, 1)).length);

    await page.click("#reload");
    await untilBothLonger(page, resumed.length);
    expect((await textOf(page, 1)).startsWith(resumed)).toBe(true);
    expect(await timelineOf(page, 1)).toMatch(/^0–\d+ replay$/m);

    const [viewer] = await Promise.all([page.waitForEvent("popup"), page.click("#viewer")]);
    // One that isn't connected yet when the stream stops finds it gone.
    await untilBothLonger(viewer, resumed.length);

    await page.click("#stop");
    for (const shown of [page, viewer]) {
      await untilStatus(shown, 1, /^stopped$/);
      await untilStatus(shown, 2, /^stopped$/);
    }
    const texts = await Promise.all([textOf(page, 1), textOf(page, 2), textOf(viewer, 1), textOf(viewer, 2)]);
    expect(new Set(texts).size).toBe(1);
    await Promise.all([page.close(), viewer.close()]);
  });

  test("kill: readers are told what became of the text, get what was kept of it, and may start again", async () => {
    const page = await openPage();
    const seen = await textOf(page, 2);
    // What comes in the very last moment is shown before it is written.
    await untilLonger(page, 2, seen.length + 20);
    await page.locator("#kill").focus();
    await page.keyboard.press("Enter");
    for (const reader of [1, 2] as const) await untilStatus(page, reader, death);

    await page.click("#reload");
    for (const reader of [1, 2] as const) {
      await untilStatus(page, reader, keepsText ? death : /^absent$/);
      expect((await textOf(page, reader)).slice(0, seen.length)).toBe(keepsText ? seen : "");
    }
    expect(await textOf(page, 1)).toBe(await textOf(page, 2));

    await page.click("#again");
    await untilStatus(page, 1, /^reading$/);
    expect((await untilLonger(page, 1, 40)).startsWith("A river does not care")).toBe(true);
    await page.close();
  });

  test("it fits a phone's width", async () => {
    const page = await openPage();
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    await page.close();
  });
});
