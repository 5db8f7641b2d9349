// useChat of AI SDK 5, 6 and 7 in Firefox and in WebKit, which is Safari's engine: cuts, a reload, two tabs, stops, and what a load meets.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDeferred } from "../../src/lib/deferred.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { openFirefox } from "../support/firefox.ts";
import { type HttpServer, serveHttp } from "../support/http-server.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";
import type { DrivenPage } from "../support/web-driver.ts";
import { openWebKit } from "../support/webkit.ts";
import { callsIn, html, isWhole, pageScript, type Shown } from "./chat.ts";
import { chatHandler, type ChatStore, createStore } from "./chat-server.ts";
import { installSdks, loadSdk, SDK_VERSIONS, type SdkMajor } from "./sdks.ts";

const majors = Object.keys(SDK_VERSIONS).map(Number) as SdkMajor[];

beforeAll(() => installSdks(), 300_000);

describe.each([
  ["Firefox", openFirefox],
  ["WebKit", openWebKit],
])("%s", (_, open) => {
  let page: DrivenPage;
  beforeAll(async () => {
    page = await open();
  }, 300_000);
  afterAll(() => page[Symbol.asyncDispose]());

  describe.each(majors)("AI SDK %i", (major) => {
    let script: string;
    let context: ResumableStreamContext;
    let store: ChatStore;
    let server: HttpServer;
    let proxy: TcpProxy;
    let tab: DrivenPage | undefined;
    /** What becomes of the next answer with the chat's messages; absent for nothing. */
    let onLoad: ((response: Response) => Response | Promise<Response>) | undefined;

    beforeAll(async () => {
      script = await pageScript(major);
    });

    beforeEach(async () => {
      tab = onLoad = undefined;
      context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
      store = createStore();
      const sdk = await loadSdk(major);
      const handle = chatHandler({ context, sdk, major, store, page: { html, script } });
      server = await serveHttp(async (request) => {
        const response = await handle(request);
        const change = request.url.endsWith("&messages") ? onLoad : undefined;
        if (!change) return response;
        onLoad = undefined;
        return change(response);
      });
      proxy = await TcpProxy.start(server.port);
    });

    afterEach(async () => {
      await tab?.[Symbol.asyncDispose]();
      await page.goto("about:blank");
      await proxy.stop();
      await server[Symbol.asyncDispose]();
      await context.close();
    });

    const shownOn = (on: DrivenPage): Promise<Shown | null> =>
      on.run(`window.chat
        ? { status: chat.status, texts: chat.texts, finishes: chat.finishes, errors: chat.errors }
        : null`);
    const untilShown = async (
      on: DrivenPage,
      what: string,
      is: (chat: Shown) => boolean,
      withinMs = 30_000,
    ): Promise<Shown> => {
      let last: Shown | null = null;
      const look = async (): Promise<Shown | false> => {
        last = await shownOn(on);
        return last !== null && is(last) && last;
      };
      return until(look, { what: () => `${what}: ${JSON.stringify(last)}`, withinMs });
    };
    const url = (): string => `http://127.0.0.1:${proxy.port}/?id=chat`;
    const say = async (on: DrivenPage, text: string): Promise<void> => {
      await until(() => on.run("window.hasLoaded"), { what: "the load's request", withinMs: 30_000 });
      await on.run(`void chat.sendMessage({ text: "${text}" })`);
    };
    const runs =
      (length = 40) =>
      ({ texts }: Shown): boolean =>
        texts.length % 2 === 0 && (texts.at(-1) ?? "").length > length;
    const isDone = ({ status, texts }: Shown): boolean =>
      status === "ready" && (texts.at(-1) ?? "").includes(":30 ");
    const isAtRest = ({ status, finishes }: Shown): boolean => status === "ready" && finishes.length > 0;

    test("an answer goes on over cuts and a reload, whole, and is asked for once", async () => {
      await page.goto(url());
      await say(page, "short");
      await untilShown(page, "an answer", runs(10));
      proxy.cut();
      await untilShown(page, "more of it", runs(50));
      proxy.reset();
      await untilShown(page, "more of it", runs(80));
      await page.reload();
      const { texts, errors } = await untilShown(page, "its end", isDone);
      expect(errors).toEqual([]);
      expect(texts).toHaveLength(2);
      expect(isWhole(texts[1] ?? "")).toBe(true);
      expect(store.calls).toHaveLength(1);
    });

    test("a second tab shows the answer, stops it for both, and asks the next question", async () => {
      await page.goto(url());
      await say(page, "first");
      await untilShown(page, "an answer", runs());
      tab = await page.openTab();
      await tab.goto(url());
      await untilShown(tab, "the answer in a second tab", runs());
      await tab.run("void chat.stop()");
      for (const on of [page, tab]) {
        expect((await untilShown(on, "a tab at rest", isAtRest)).errors).toEqual([]);
      }
      expect(store.aborts).toBe(1);
      await say(tab, "short");
      const { texts } = await untilShown(tab, "the next answer", (chat) => {
        return isDone(chat) && chat.texts.length === 4;
      });
      expect(texts.map(callsIn)).toEqual([[], [1], [], [2]]);
      expect(texts.every(isWhole)).toBe(true);
    });

    const stored = (): void => {
      const parts = (text: string) => [{ type: "text", text }];
      store.messages.set("chat", [
        { id: "q1", role: "user", parts: parts("short") },
        { id: "a1", role: "assistant", parts: parts("1:1 zwölf ") },
      ]);
    };
    const isLoaded = ({ texts }: Shown): boolean => texts.join() === "short,1:1 zwölf ";

    test("messages that are cut on their way are loaded again", async () => {
      stored();
      const { promise: isCut, resolve } = createDeferred<undefined>();
      onLoad = async (response) => {
        const bytes = await response.bytes();
        const half = new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(bytes.subarray(0, bytes.length / 2));
            setTimeout(() => {
              proxy.cut();
              resolve(undefined);
            }, 50);
          },
        });
        return new Response(half, response);
      };
      await page.goto(url());
      await isCut;
      expect((await untilShown(page, "the chat", isLoaded)).errors).toEqual([]);
    });

    test("a load doesn't wait for that of another tab", async () => {
      stored();
      const [asked, held] = [createDeferred<undefined>(), createDeferred<undefined>()];
      onLoad = async (response) => {
        asked.resolve(undefined);
        await held.promise;
        return response;
      };
      await page.goto(url());
      await asked.promise;
      tab = await page.openTab();
      await tab.goto(url());
      // Firefox waits for 20 s.
      await untilShown(tab, "the chat in a second tab", isLoaded, 15_000);
      held.resolve(undefined);
      expect((await untilShown(page, "the chat", isLoaded)).errors).toEqual([]);
    });
  });
});
