// A chat of the README's lines alone, in Chromium: one block is the route's handlers, one is the page.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { TcpProxy } from "../support/proxy.ts";
import { type Block, root } from "../docs/markdown.ts";
import { until } from "../support/wait.ts";
import { type BlockFolder, createBlockFolder, readBlocks } from "./blocks.ts";

const whole = Array.from({ length: 60 }, (_, line) => `Line ${line + 1}\n`).join("");

const blocks = (await readBlocks()).filter(({ name }) => name.startsWith("Quick start"));
const blockIn = (language: string): Block => {
  const [block, ...others] = blocks.filter((each) => each.language === language);
  if (!block || others.length > 0)
    throw new Error(`The README should have one block of ${language} for a chat.`);
  return block;
};

let browser: Browser;
let folder: BlockFolder;
let proxy: TcpProxy;
let url: string;
let stopServer: () => Promise<void>;

beforeAll(async () => {
  [browser, folder] = await Promise.all([openChromium(), createBlockFolder()]);
  const { page, script } = await bundled(blockIn("html").code);
  const args = [
    "--import",
    "tsx",
    "test/readme/serve-chat.ts",
    await folder.write(blockIn("ts")),
    page,
    script,
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, REDIS_URL: inject("redisUrl") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  stopServer = async () => {
    child.kill();
    await exited;
  };
  let said = "";
  child.stdout.on("data", (data: Buffer) => (said += data.toString()));
  const port = await until(() => /^\d+\n/.exec(said)?.[0], { what: "the server to start", withinMs: 20_000 });
  proxy = await TcpProxy.start(Number(port));
  url = `http://127.0.0.1:${proxy.port}/`;
});

afterAll(async () => {
  await Promise.all([stopServer(), proxy.stop()]);
  await Promise.all([browser.close(), folder.remove()]);
});

/** As a bundler does it: the page's module becomes a file of its own. */
async function bundled(html: string): Promise<{ page: string; script: string }> {
  const [element = "", contents = ""] = /<script type="module">([^]*?)<\/script>/.exec(html) ?? [];
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    format: "esm",
    write: false,
  });
  return {
    page: html.replace(element, '<script type="module" src="/page.js"></script>'),
    script: outputFiles[0]?.text ?? "",
  };
}

const textOf = async (page: Page): Promise<string> => (await page.textContent("#answer")) ?? "";

async function untilLonger(page: Page, than: number): Promise<string> {
  return until(
    async () => {
      const text = await textOf(page);
      return text.length > than ? text : undefined;
    },
    { what: `an answer of more than ${than} characters`, withinMs: 30_000 },
  );
}

/** A tab whose answer is being written. */
async function ask(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.click("#ask");
  await untilLonger(page, 40);
  return page;
}

/** A second tab of the same address. */
async function openSecond(page: Page): Promise<Page> {
  const second = await page.context().newPage();
  await second.goto(page.url());
  await untilLonger(second, 40);
  return second;
}

test("a reload in the middle, and a second tab: both get the whole answer", async () => {
  const page = await ask();
  await page.reload();
  const second = await openSecond(page);
  for (const tab of [page, second]) expect(await untilLonger(tab, whole.length - 1)).toBe(whole);
  await page.context().close();
});

test("a connection that breaks: the answer goes on where it stopped", async () => {
  const page = await ask();
  proxy.cut();
  expect(await untilLonger(page, whole.length - 1)).toBe(whole);
  await page.context().close();
});

test("the stop button stops it for both tabs, whichever presses it", async () => {
  const page = await ask();
  const second = await openSecond(page);
  const stopped = second.waitForResponse((response) => response.request().method() === "DELETE");
  await second.click("#stop");
  expect((await stopped).status()).toBe(200);
  const text = await until(
    async () => {
      const [mine, other] = await Promise.all([textOf(page), textOf(second)]);
      return mine === other ? mine : undefined;
    },
    { what: "both tabs to have the same" },
  );
  expect(whole.startsWith(text)).toBe(true);
  expect(text.length).toBeLessThan(whole.length);
  const address = new URL(page.url());
  const again = await fetch(`${url}api/answer${address.hash.slice(1)}`);
  expect([again.status, again.headers.get("stream-status")]).toEqual([204, "done"]);
  await page.context().close();
});

test("the lines for the AI SDK are those of examples/ai-chat", async () => {
  const example = await readFile(`${root}/examples/ai-chat/server.ts`, "utf8");
  const words = (code: string): string => code.replace(/\s+/g, " ").trim();
  const [block] = (await readBlocks()).filter(({ language }) => language === "tsx");
  expect(words(example)).toContain(words(block?.code ?? "none"));
});
