// Chromium: a page reads a stream of another origin, of whose headers it sees those that the answer names.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { serveHttp } from "../support/http-server.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";
import { clientScript } from "./client-script.ts";
import { openText } from "./running-text.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await openChromium();
}, 300_000);

afterAll(() => browser.close());

const openToOthers = (headers: Record<string, string> = {}) =>
  openText({ "access-control-allow-origin": "*", ...headers });

/** A page that reads what `GET` answers at another origin, over `port`. `text` is what it has, and how that ended. */
async function openPage({ port, method = "GET" }: { port: number; method?: string }) {
  const script = await clientScript();
  const pages = await serveHttp(({ url }) => {
    const [type, body] = url.endsWith(".js") ? ["text/javascript", script] : ["text/html", "<!doctype html>"];
    return new Response(body, { headers: { "content-type": type } });
  });
  const page = await browser.newPage();
  await page.goto(pages.url);
  await page.evaluate(`(async () => {
    globalThis.text = "";
    const { resumableFetch } = await import("/client.js");
    const read = async () => {
      const response = await resumableFetch("http://127.0.0.1:${port}/answer", { method: "${method}" });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value;
      text += "|closed";
    };
    void read().catch((error) => { text += "|" + error.code; });
  })()`);
  return {
    text: () => page.evaluate<string>("text"),
    async [Symbol.asyncDispose]() {
      await page.close();
      await pages[Symbol.asyncDispose]();
    },
  };
}

test.each([
  ["a GET", "GET", {}],
  ["a POST whose answer says where it can be read again", "POST", { "content-location": "/again" }],
])("%s goes on, also if the app names headers of its own for the page", async (_, method, place) => {
  await using stream = await openToOthers({ ...place, "access-control-expose-headers": "x-own" });
  const { GET, source } = stream;
  const asked: string[] = [];
  await using server = await serveHttp((request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return GET(request);
  });
  const proxy = await TcpProxy.start(server.port);
  await using page = await openPage({ port: proxy.port, method });
  const { text } = page;
  source.push("half ");
  await until(async () => (await text()) !== "", { what: "the first text" });
  proxy.cut();
  await until(async () => asked.length > 1 || /\|/.test(await text()), { what: "the next attempt" });
  source.push("whole");
  await until(async () => /whole|\|/.test(await text()), { what: "the whole text" });
  source.end();
  await until(async () => /\|/.test(await text()), { what: "the end" });
  expect(await text()).toBe("half whole|closed");
  await proxy.stop();
});

test.each(["runs on", "has ended meanwhile"])(
  "plain text whose headers are kept from the page doesn't end cleanly on a part of a text that %s",
  async (what) => {
    await using stream = await openToOthers();
    const { context, GET, source } = stream;
    let asked = 0;
    await using server = await serveHttp(async (request) => {
      asked += 1;
      if (asked === 2 && what === "has ended meanwhile") {
        source.push("whole");
        source.end();
        await until(async () => (await context.hasExistingStream("chat")) === "DONE", { what: "the end" });
      }
      const answer = await GET(request);
      // As a middleware or a gateway does that names headers by itself.
      answer.headers.set("access-control-expose-headers", "x-own");
      if (asked > 1) return answer;
      // As a proxy gives it on whose server was killed.
      const reader = answer.body?.getReader();
      source.push("half ");
      return new Response((await reader?.read())?.value ?? null, answer);
    });
    await using page = await openPage({ port: server.port });
    await until(async () => /\|/.test(await page.text()), { what: "the end" });
    expect(await page.text()).toMatch(/^half \|(NOT_RESUMED|MISSED_END)$/);
  },
);
