// Chromium: a tab that was frozen, held up or offline has the whole text, and what it had received isn't thrown away.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createResumeHandlers } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { openChromium } from "../support/chromium.ts";
import { serveHttp } from "../support/http-server.ts";
import { until } from "../support/wait.ts";
import { clientScript } from "./client-script.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await openChromium();
}, 300_000);

afterAll(() => browser.close());

interface PageState {
  text: string;
  /** How the body ended; absent until then. */
  end?: string;
  /** What happened to the page. */
  told: string[];
}

async function openScene(init: string) {
  const context = createResumableStreamContext({ waitUntil: null });
  const source = manualSource();
  await (await context.createNewResumableStream("chat", source.makeStream))?.cancel();
  const { GET } = createResumeHandlers(context, { streamId: () => "chat", authorize: () => true });
  const script = await clientScript();
  const asked: string[] = [];
  const server = await serveHttp((request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/stream") {
      asked.push(search);
      return GET(request);
    }
    const [type, body] =
      pathname === "/client.js" ? ["text/javascript", script] : ["text/html", "<!doctype html>"];
    return new Response(body, { headers: { "content-type": type } });
  });
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.evaluate(`(async () => {
    const { resumableFetch } = await import("/client.js");
    globalThis.state = { text: "", told: [] };
    for (const type of ["freeze", "resume"]) document.addEventListener(type, () => state.told.push(type));
    for (const type of ["online", "offline"]) addEventListener(type, () => state.told.push(type));
    const response = await resumableFetch("/stream", ${init});
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const read = async () => {
      for (let read = await reader.read(); !read.done; read = await reader.read()) state.text += read.value;
    };
    read().then(() => { state.end = "closed"; }, (error) => { state.end = error.code ?? String(error); });
  })()`);
  source.push("data: a\n\n");
  const state = (): Promise<PageState> => page.evaluate<PageState>("state");
  await until(async () => (await state()).text.includes("data: a"), { what: "the first text" });
  return {
    page,
    source,
    state,
    asked,
    async [Symbol.asyncDispose]() {
      await page.close();
      await server[Symbol.asyncDispose]();
      await context.close();
    },
  };
}

const whole = "data: a\nid: 9\n\ndata: the rest\nid: 25\n\n";
const withoutMarks = (text: string): string => text.replace(/^(id: \d+)\.\w+$/gm, "$1");

async function expectWhole(state: () => Promise<PageState>): Promise<void> {
  const { text } = await until(
    async () => {
      const now = await state();
      return now.end === undefined ? undefined : now;
    },
    { what: "the end" },
  );
  expect([withoutMarks(text), (await state()).end]).toEqual([whole, "closed"]);
}

async function freeze(page: Page, state: "frozen" | "active"): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state });
}

test("a frozen tab has the text that came, and its end, once it is looked at again", async () => {
  await using scene = await openScene("{}");
  await freeze(scene.page, "frozen");
  scene.source.push("data: the rest\n\n");
  scene.source.end();
  // As a tab that is looked at again after a while: what is silent for so long may be dead. What came is still to be read.
  await scene.page.evaluate(`{
    const now = performance.now.bind(performance);
    performance.now = () => now() + 60_000;
    dispatchEvent(new Event("visibilitychange"));
  }`);
  await freeze(scene.page, "active");
  await expectWhole(scene.state);
});

test("a page that was held up for longer than stallTimeoutMs has the text that came, and its end", async () => {
  await using scene = await openScene("{ stallTimeoutMs: 500 }");
  const blocking = scene.page.evaluate("{ for (const until = Date.now() + 2_000; Date.now() < until; ); }");
  scene.source.push("data: the rest\n\n");
  scene.source.end();
  await blocking;
  await expectWhole(scene.state);
});

test("a page that goes offline and comes back goes on", async () => {
  await using scene = await openScene("{}");
  const { page, source, state, asked } = scene;
  await page.context().setOffline(true);
  await until(async () => (await state()).told.includes("offline"), { what: "the page to be offline" });
  await page.context().setOffline(false);
  await until(async () => (await state()).told.includes("online"), { what: "the page to be online" });
  await until(() => asked.length > 1, { what: "a new connection" });
  source.push("data: the rest\n\n");
  await until(async () => (await state()).text.includes("the rest"), { what: "the rest" });
  source.end();
  await expectWhole(state);
});
