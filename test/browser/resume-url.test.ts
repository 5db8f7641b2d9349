// Chromium: a relative URL is resumed where `fetch` took it to, wherever the page goes meanwhile.

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

interface Scene extends AsyncDisposable {
  /** Runs in the page. */
  run: (script: string) => Promise<unknown>;
  /** What the page has of the text. */
  text: () => Promise<string>;
  push: (text: string) => void;
  cut: () => void;
  /** Paths at which the stream was asked for. */
  asked: string[];
}

/** A page at `path` with `head`; every path that ends with `/stream` has the stream. */
async function openScene(path: string, head = ""): Promise<Scene> {
  const stream = await openText();
  const script = await clientScript();
  const asked: string[] = [];
  const server = await serveHttp((request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname.endsWith("/stream")) {
      // Whose mark that is, the server decides.
      asked.push(pathname + search.replace(/(\d)\.[0-9a-z]+$/, "$1.mark"));
      return stream.GET(request);
    }
    const [type, body] =
      pathname === "/client.js" ? ["text/javascript", script] : ["text/html", `<!doctype html>${head}`];
    return new Response(body, { headers: { "content-type": type } });
  });
  const proxy = await TcpProxy.start(server.port);
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${proxy.port}${path}`);
  await page.evaluate(`(async () => {
    globalThis.client = await import("/client.js");
    globalThis.text = "";
    globalThis.read = async (response) => {
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) text += piece;
    };
  })()`);
  return {
    run: (code) => page.evaluate(code),
    text: () => page.evaluate<string>("text"),
    push: stream.source.push,
    cut: () => proxy.cut(),
    asked,
    async [Symbol.asyncDispose]() {
      await page.close();
      await proxy.stop();
      await server[Symbol.asyncDispose]();
      await stream[Symbol.asyncDispose]();
    },
  };
}

/** Fetches, moves the page on, and cuts the connection: where the stream was asked for. */
async function askedBy(scene: Scene, fetching: string, moving = ""): Promise<string[]> {
  await scene.run(`client.resumableFetch(${fetching}).then((response) => { read(response); })`);
  scene.push("half ");
  await until(async () => (await scene.text()) === "half ", { what: "the first text" });
  await scene.run(moving);
  scene.cut();
  await until(() => scene.asked.length > 1, { what: "the next attempt" });
  scene.push("whole");
  await until(async () => (await scene.text()) === "half whole", { what: "the whole text" });
  return scene.asked;
}

test("a page whose <base> isn't its own path resumes at the URL it fetched", async () => {
  await using scene = await openScene("/chat/42", '<base href="/app/">');
  expect(await askedBy(scene, `"api/stream"`)).toEqual([
    "/app/api/stream",
    "/app/api/stream?resumeAt=5.mark",
  ]);
});

test("a page that has moved on by history.pushState resumes at the URL it fetched", async () => {
  await using scene = await openScene("/app/chat");
  const moving = `history.pushState({}, "", "/settings/profile")`;
  expect(await askedBy(scene, `"api/stream"`, moving)).toEqual([
    "/app/api/stream",
    "/app/api/stream?resumeAt=5.mark",
  ]);
});

test("a relative resumeUrl is the one of the call, wherever the page has moved to", async () => {
  await using scene = await openScene("/app/chat");
  const fetching = `"api/stream", { resumeUrl: "again/stream" }`;
  const moving = `history.pushState({}, "", "/settings/profile")`;
  expect(await askedBy(scene, fetching, moving)).toEqual([
    "/app/api/stream",
    "/app/again/stream?resumeAt=5.mark",
  ]);
});
