// Chromium behind a proxy that cuts the connection at random bytes: every event arrives once, whole and in order.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createResumeHandlers } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { openChromium } from "../support/chromium.ts";
import { serveHttp } from "../support/http-server.ts";
import { TcpProxy } from "../support/proxy.ts";
import { seededRandom } from "../../src/lib/random.ts";
import { until } from "../support/wait.ts";
import { clientScript } from "./client-script.ts";

const CUTS = 30;
const words = Array.from({ length: 2_000 }, (_, index) => `${index} zwölf 🌊 Wörter`);

let browser: Browser;

beforeAll(async () => {
  browser = await openChromium();
}, 300_000);

afterAll(() => browser.close());

/** What the page under test keeps. */
interface PageState {
  said: string[];
  /** How its stream ended; absent until then. */
  end?: string;
}

interface Scene extends AsyncDisposable {
  page: Page;
  state: () => Promise<PageState>;
  cuts: () => number;
  /** Ends the stream. */
  end: () => void;
}

async function openScene(seed: number): Promise<Scene> {
  const context = createResumableStreamContext({ waitUntil: null });
  const id = `cuts-${seed}`;
  const source = manualSource();
  await (await context.createNewResumableStream(id, source.makeStream))?.cancel();
  // Cut up so that events, lines and surrogate pairs are split over chunks.
  const text = words.map((word) => `event: word\r\ndata: ${word}\r\n\r\n`).join("");
  for (let at = 0; at < text.length; at += 37) source.push(text.slice(at, at + 37));

  const script = await clientScript();
  const { GET } = createResumeHandlers(context, {
    streamId: () => id,
    authorize: () => true,
    retryMs: 1,
    endEvent: "end",
  });
  const server = await serveHttp((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/stream") return GET(request);
    if (pathname === "/client.js") {
      return new Response(script, { headers: { "content-type": "text/javascript" } });
    }
    return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
  });
  const proxy = await TcpProxy.start(server.port);
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${proxy.port}/`);
  await page.evaluate("globalThis.state = { said: [] }");
  // Past the headers, which an EventSource doesn't survive the loss of, and anywhere after them.
  const random = seededRandom(seed);
  let cuts = 0;
  await page.evaluate("import('/client.js').then((client) => { globalThis.client = client; })");
  proxy.cut();
  proxy.cutEachAfter(() => (cuts++ < CUTS ? 700 + Math.floor(random() * 4_000) : Infinity));
  return {
    page,
    state: () => page.evaluate<PageState>("globalThis.state"),
    cuts: () => cuts,
    end: source.end,
    async [Symbol.asyncDispose]() {
      await page.close();
      await proxy.stop();
      await server[Symbol.asyncDispose]();
      await context.close();
    },
  };
}

async function expectAllOnce({ state, cuts, end }: Scene, seed: number): Promise<PageState> {
  await until(
    async () => {
      const { said, end: early } = await state();
      if (early !== undefined) throw new Error(`Ended at ${said.length} words: ${early}, seed ${seed}`);
      return said.length >= words.length;
    },
    { what: `all words, seed ${seed}`, withinMs: 60_000 },
  );
  end();
  await until(async () => (await state()).end !== undefined, { what: "the end" });
  const last = await state();
  expect(last.said).toEqual(words);
  expect(cuts()).toBeGreaterThanOrEqual(CUTS);
  return last;
}

test("a plain EventSource resumes after every cut, and learns of the end", { timeout: 90_000 }, async () => {
  const seed = Date.now();
  await using scene = await openScene(seed);
  await scene.page.evaluate(`{
    const source = new EventSource("/stream");
    globalThis.source = source;
    source.addEventListener("word", ({ data }) => state.said.push(data));
    source.addEventListener("end", ({ data }) => { state.end = data; });
  }`);
  expect((await expectAllOnce(scene, seed)).end).toBe("done");
  // It asks once more, and a 204 tells it to stop for good.
  await until(async () => (await scene.page.evaluate("source.readyState")) === 2, { what: "it to close" });
});

test("resumableFetch goes on after every cut, and learns of the end", { timeout: 90_000 }, async () => {
  const seed = Date.now();
  await using scene = await openScene(seed);
  await scene.page.evaluate(`(async () => {
    const response = await client.resumableFetch("/stream");
    let text = "";
    const read = async () => {
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        text += piece;
        const events = text.split(/\\n\\n/);
        text = events.pop();
        for (const event of events) {
          const word = /^event: word\\r\\ndata: (.*)\\r/m.exec(event);
          if (word) state.said.push(word[1]);
        }
      }
    };
    read().then(
      async () => { state.end = await client.endOf(response); },
      (error) => { state.end = String(error); },
    );
  })()`);
  expect((await expectAllOnce(scene, seed)).end).toBe("done");
});
