// Chromium: a page loses its network in one answer, another device asks again, and the page comes back (G14).

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

/** Each keeps in `said` what it is given, and in `end` how that ended. */
const readers = {
  EventSource: `
    const source = new EventSource("/stream");
    source.onmessage = ({ data }) => said.push(data);
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) end = "closed"; };`,
  resumableFetch: `
    const { resumableFetch } = await import("/client.js");
    const response = await resumableFetch("/stream");
    const read = async () => {
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        said.push(...(next.value.match(/(?<=^data: ).*$/gm) ?? []));
      }
      return "clean";
    };
    void read().catch(({ code }) => code).then((how) => { end = how; });`,
};

test.each([
  ["EventSource", "closed"],
  ["resumableFetch", "PRODUCER_LOST"],
] as const)("%s is told, and gets nothing of the next answer", async (name, told) => {
  await using context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  const { GET } = createResumeHandlers(context, {
    streamId: () => "chat",
    authorize: () => true,
    retryMs: 50,
  });
  const script = await clientScript();
  let isAway = false;
  const statuses: number[] = [];
  await using server = await serveHttp(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/client.js") {
      return new Response(script, { headers: { "content-type": "text/javascript" } });
    }
    if (pathname !== "/stream")
      return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
    await until(() => !isAway, { what: "the network" });
    const answer = await GET(request);
    statuses.push(answer.status);
    return answer;
  });
  const proxy = await TcpProxy.start(server.port);
  const [first, second] = [manualSource(), manualSource()];
  await (await context.createNewResumableStream("chat", first.makeStream))?.cancel();
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${proxy.port}/`);
  await page.evaluate(
    `(async () => { globalThis.said = []; globalThis.end = undefined; ${readers[name]} })()`,
  );
  first.push("data: ONE 1\n\n");
  await until(async () => (await page.evaluate("said.length")) === 1, { what: "the first event" });

  isAway = true;
  proxy.cut();
  await context.stopStream("chat");
  await (await context.createNewResumableStream("chat", second.makeStream))?.cancel();
  second.push("data: TWO 1\n\ndata: TWO 2\n\n");
  isAway = false;
  await until(async () => (await page.evaluate("end")) !== undefined, { what: "the page to be told" });
  expect(await page.evaluate("[said, end]")).toEqual([["ONE 1"], told]);
  expect(statuses).toEqual([200, 410]);
  second.end();
  await page.close();
  await proxy.stop();
});
