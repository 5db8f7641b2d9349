// Chromium: a page reads a stream of another origin, of whose headers it sees those that the answer names.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createResumeHandlers } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { openChromium } from "../support/chromium.ts";
import { serveHttp } from "../support/http-server.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";
import { clientScript } from "./client-script.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await openChromium();
}, 300_000);

afterAll(() => browser.close());

test.each([
  ["a GET", "GET", {}],
  ["a POST whose answer says where it can be read again", "POST", { "content-location": "/again" }],
])("%s goes on, also if the app names headers of its own for the page", async (_, method, place) => {
  await using context = createResumableStreamContext({ waitUntil: null });
  const source = manualSource();
  await (await context.createNewResumableStream("chat", source.makeStream))?.cancel();
  const { GET } = createResumeHandlers(context, {
    streamId: () => "chat",
    authorize: () => true,
    format: "text",
    headers: { ...place, "access-control-allow-origin": "*", "access-control-expose-headers": "x-own" },
  });
  const asked: string[] = [];
  await using server = await serveHttp((request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return GET(request);
  });
  const proxy = await TcpProxy.start(server.port);
  const script = await clientScript();
  await using pages = await serveHttp(({ url }) => {
    const [type, body] = url.endsWith(".js") ? ["text/javascript", script] : ["text/html", "<!doctype html>"];
    return new Response(body, { headers: { "content-type": type } });
  });
  const page = await browser.newPage();
  await page.goto(pages.url);
  await page.evaluate(`(async () => {
    globalThis.text = "";
    const { resumableFetch } = await import("/client.js");
    const read = async () => {
      const response = await resumableFetch("http://127.0.0.1:${proxy.port}/answer", { method: "${method}" });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value;
      text += "|closed";
    };
    void read().catch((error) => { text += "|" + error.code + error.message; });
  })()`);
  const text = (): Promise<string> => page.evaluate<string>("text");
  source.push("half ");
  await until(async () => (await text()) !== "", { what: "the first text" });
  proxy.cut();
  await until(async () => asked.length > 1 || /\|/.test(await text()), { what: "the next attempt" });
  source.push("whole");
  await until(async () => /whole|\|/.test(await text()), { what: "the whole text" });
  source.end();
  await until(async () => /\|/.test(await text()), { what: "the end" });
  expect(await text()).toBe("half whole|closed");
  await page.close();
  await proxy.stop();
});
