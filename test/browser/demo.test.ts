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
const statusOf = (page: Page, reader: string) => page.locator(`#status-${reader}`).innerText();
const logOf = (page: Page) => page.evaluate<string>("document.querySelector('#log').textContent");
const missedOf = (page: Page, reader: 1 | 2) => page.locator(`#text-${reader} .missed`).count();

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

async function untilStatus(page: Page, reader: string, status: RegExp): Promise<void> {
  await until(async () => status.test(await statusOf(page, reader)), {
    what: `reader ${reader}: ${status}`,
    withinMs: 30_000,
  });
}

async function untilShown(page: Page, id: string, what: RegExp): Promise<void> {
  await until(async () => what.test(await page.locator(`#${id}`).innerText()), {
    what: `${what} in #${id}`,
    withinMs: 40_000,
  });
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

const phone = { width: 390, height: 844 };

describe.each<Case>([
  { store: "pglite", servers: noServer, costs: /^No server is asked$/, keepsText: true },
  { store: "memory", servers: noServer, costs: /^No server is asked$/, keepsText: false },
  // Two at the start, and what two processes need to pass a text on: far from one for each of its words.
  { store: "redis", servers: redis, costs: /^[1-9]\d? Redis commands for this answer$/, keepsText: false },
  // A script for each word that is followed, which the keeping process and the reading one share.
  {
    store: "redis-kept",
    servers: redis,
    costs: /^[1-9]\d* Redis commands for this answer$/,
    keepsText: true,
  },
  {
    store: "postgres",
    servers: postgres,
    costs: /^[1-9]\d* SQL statements for this answer$/,
    keepsText: true,
  },
])("over $store", ({ store, servers, costs, keepsText }) => {
  /** What readers are told of a stream whose process was killed. */
  const death = keepsText ? /^failed: its text is kept$/ : /^lost: its server died$/;
  let demo: Demo;

  beforeAll(async () => {
    demo = await startDemo({ ...servers(), PORT: "0" });
  });

  afterAll(() => demo.stop());

  async function openPage(): Promise<Page> {
    const page = await browser.newPage({ viewport: phone });
    await page.goto(`${demo.url}?store=${store}`);
    await untilBothLonger(page, 40);
    return page;
  }

  test("a cable out and in, a reload, another tab and a stop: every reader has the source's text", async () => {
    const page = await openPage();
    await untilShown(page, "cost", costs);
    // The laptop joined late.
    expect(await missedOf(page, 2)).toBeGreaterThan(5);
    expect(await missedOf(page, 1)).toBe(0);

    await page.click("#plug-1");
    await untilStatus(page, "1", /^cable is out$/);
    const cut = await textOf(page, 1);
    await untilLonger(page, 2, cut.length + 60);
    // Words that were on their way may still come, and nothing else.
    expect((await textOf(page, 1)).length).toBeLessThan(cut.length + 30);
    await page.click("#plug-1");
    const resumed = await untilLonger(page, 1, cut.length + 60);
    expect(await logOf(page)).toMatch(/phone: server [AB] goes on at \d/);
    expect(await missedOf(page, 1)).toBeGreaterThan(5);
    await untilShown(
      page,
      "proof",
      /^source [\d,]+ · phone [\d,]+ · laptop [\d,]+ · sha256 equal( so far)?$/,
    );

    await page.click("#reload");
    await untilBothLonger(page, resumed.length);
    expect((await textOf(page, 1)).startsWith(resumed)).toBe(true);

    const [viewer] = await Promise.all([page.waitForEvent("popup"), page.click("#viewer")]);
    // One that isn't connected yet when the stream stops finds it gone.
    await untilBothLonger(viewer, resumed.length);

    await page.click("#stop");
    for (const shown of [page, viewer]) {
      for (const reader of ["1", "2"]) await untilStatus(shown, reader, /^stopped$/);
      await untilShown(shown, "proof", /sha256 equal( so far)?$/);
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
    await page.locator(".produces button").focus();
    await page.keyboard.press("Enter");
    for (const reader of ["1", "2"]) await untilStatus(page, reader, death);
    await until(async () => (await page.locator(".server.dead").count()) === 0, { what: "a successor" });

    await page.click("#reload");
    for (const reader of [1, 2] as const) {
      await untilStatus(page, String(reader), keepsText ? death : /^absent$/);
      expect((await textOf(page, reader)).slice(0, seen.length)).toBe(keepsText ? seen : "");
    }
    expect(await textOf(page, 1)).toBe(await textOf(page, 2));

    await page.click("#again");
    await untilStatus(page, "1", /^live$/);
    expect((await untilLonger(page, 1, 40)).startsWith("A river does not care")).toBe(true);
    await page.close();
  });
});

describe("the page", () => {
  let demo: Demo;

  beforeAll(async () => {
    demo = await startDemo({ ...redis(), PORT: "0" });
  });

  afterAll(() => demo.stop());

  async function openPage(search = ""): Promise<Page> {
    const page = await browser.newPage({ viewport: phone });
    await page.goto(`${demo.url}?store=redis${search}`);
    return page;
  }

  test("an answer that is read to its end, with a cable out twice, is proved by lengths and checksums", async () => {
    const page = await openPage();
    await untilBothLonger(page, 40);
    for (const plug of ["#plug-1", "#plug-2"]) {
      // By its key, as by the pointer: out and in.
      await page.locator(plug).press("Enter");
      await untilStatus(page, plug.slice(-1), /^cable is out$/);
      await page.locator(plug).press(" ");
      await untilStatus(page, plug.slice(-1), /^live$/);
    }
    await untilShown(page, "proof", /sha256 equal$/);
    const [source, ...shown] = (await page.locator("#proof").innerText()).match(/[\d,]+(?= ·)/g) ?? [];
    expect(shown).toEqual([source, source]);
    for (const reader of ["1", "2"]) await untilStatus(page, reader, /^complete$/);
    await page.close();
  });

  test("a plug that is dragged comes out, and goes in where it is put back", async () => {
    const page = await openPage();
    await untilBothLonger(page, 40);
    const box = await page.locator("#plug-2 i").boundingBox();
    if (!box) throw new Error("The plug isn't shown.");
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 20, y - 50, { steps: 5 });
    await untilStatus(page, "2", /^cable is out$/);
    await page.mouse.move(x, y, { steps: 5 });
    await page.mouse.up();
    await untilStatus(page, "2", /^live$/);
    expect(await logOf(page)).toMatch(/laptop: its cable is out.*laptop: its cable is in again/);
    await page.close();
  });

  test("a touch pulls and plugs; readers who want no motion get the colour alone", async () => {
    const page = await browser.newPage({ viewport: phone, hasTouch: true, reducedMotion: "reduce" });
    await page.goto(`${demo.url}?store=redis`);
    await untilBothLonger(page, 40);
    await page.tap("#plug-1");
    await untilStatus(page, "1", /^cable is out$/);
    const cut = await textOf(page, 1);
    await untilLonger(page, 2, cut.length + 60);
    await page.tap("#plug-1");
    await untilLonger(page, 1, cut.length + 60);
    const motionOf = (selector: string) =>
      page.evaluate<string>(`getComputedStyle(document.querySelector("${selector}")).animationName`);
    expect(await motionOf("#text-1 .missed")).toBe("fade");
    expect(await motionOf(".flow.carries")).toBe("none");
    await page.close();
  });

  test("beside it the published 2.2.13: both read, and after a kill that one is still waiting", async () => {
    const page = await openPage("&split");
    for (const reader of ["1", "2", "published-1", "published-2"]) await untilStatus(page, reader, /^live$/);
    await untilShown(page, "cost", /^\d+ Redis commands for this answer · 2\.2\.13: \d+$/);
    await page.click(".produces button");
    for (const reader of ["1", "2"]) await untilStatus(page, reader, /^lost: its server died$/);
    await untilStatus(page, "published-2", /^waiting for (\d\d|[5-9]) s$/);
    await untilStatus(page, "published-1", /^waiting for \d+ s$/);
    expect(await statusOf(page, "2")).toBe("lost: its server died");
    await page.close();
  });

  test("on a phone it fits the width, and both devices are to be seen without scrolling", async () => {
    for (const search of ["", "&split"]) {
      const page = await openPage(search);
      await untilBothLonger(page, 40);
      expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
      for (const device of [".phone", ".laptop"]) {
        const box = await page.locator(device).boundingBox();
        expect((box?.y ?? Infinity) + (box?.height ?? Infinity)).toBeLessThanOrEqual(phone.height);
      }
      await page.close();
    }
  });
});
