// A chat that a test drives: its servers, its pages in Chromium, and what they show.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import type { ResumableStreamContext } from "../../src/memory.ts";
import { type HttpServer, serveHttp } from "../support/http-server.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";
import { chatHandler, type ChatStore, createStore } from "./chat-server.ts";
import { loadSdk, sdkFolder, type SdkMajor } from "./sdks.ts";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export async function pageScript(major: SdkMajor, mode = "production"): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [source("page.js")],
    bundle: true,
    format: "esm",
    write: false,
    nodePaths: [join(sdkFolder, "node_modules")],
    alias: {
      ai: `ai${major}`,
      "@ai-sdk/react": `react${major}`,
      "resumable-stream/ai-sdk/client": source("../../src/ai-sdk-client.ts"),
    },
    define: { "process.env.NODE_ENV": JSON.stringify(mode) },
  });
  return outputFiles[0]?.text ?? "";
}

/** The page that has the script. */
export const html = '<!doctype html><body></body><script type="module" src="/page.js"></script>';

/** What a page shows; `page.js` keeps it on `window.chat`. */
export interface Shown {
  status: string;
  texts: string[];
  finishes: { isAbort: boolean; isError: boolean; finishReason?: string }[];
  errors: string[];
}

export interface Chat extends AsyncDisposable {
  store: ChatStore;
  /** A page of a browser of its own, at one of the servers. */
  open: (options?: { server?: number; id?: string; query?: string }) => Promise<Page>;
  /** Takes the page's network away, and gives it back. */
  cut: (page: Page) => Promise<void>;
  mend: (page: Page) => Promise<void>;
}

interface ChatOptions {
  browser: Browser;
  major: SdkMajor;
  script: string;
  contexts: readonly ResumableStreamContext[];
}

export async function openChat({ browser, major, script, contexts }: ChatOptions): Promise<Chat> {
  const sdk = await loadSdk(major);
  const store = createStore();
  const servers: HttpServer[] = [];
  for (const context of contexts) {
    servers.push(await serveHttp(chatHandler({ context, sdk, major, store, page: { html, script } })));
  }
  const pages = new Map<Page, TcpProxy>();
  return {
    store,
    open: async ({ server = 0, id = "chat", query = "" } = {}) => {
      const page = await (await browser.newContext()).newPage();
      const proxy = await TcpProxy.start(servers[server]?.port ?? 0);
      pages.set(page, proxy);
      await page.goto(`http://127.0.0.1:${proxy.port}/?id=${encodeURIComponent(id)}${query}`);
      await untilShown(page, "a chat", () => true);
      return page;
    },
    cut: async (page) => pages.get(page)?.refuse(),
    mend: async (page) => pages.get(page)?.accept(),
    async [Symbol.asyncDispose]() {
      await Promise.all([...pages.keys()].map((page) => page.context().close()));
      await Promise.all([...pages.values()].map((proxy) => proxy.stop()));
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
      await Promise.all(contexts.map((context) => context.close()));
    },
  };
}

export async function shown(page: Page): Promise<Shown | undefined> {
  return page.evaluate(() => {
    const { chat } = globalThis as unknown as { chat?: Shown };
    if (!chat) return undefined;
    const { status, texts, finishes, errors } = chat;
    return { status, texts, finishes, errors };
  });
}

export async function untilShown(page: Page, what: string, is: (chat: Shown) => boolean): Promise<Shown> {
  return until(
    async () => {
      const chat = await shown(page);
      return chat && is(chat) ? chat : undefined;
    },
    { what, withinMs: 15_000 },
  ).catch(async (cause: unknown) => {
    throw new Error(`No ${what}: ${JSON.stringify(await shown(page)).slice(0, 600)}`, { cause });
  });
}

/** Calls a function of the chat's in the page. */
export async function call(page: Page, name: string, argument?: unknown): Promise<unknown> {
  return page.evaluate(
    ([method, value]) => {
      const { chat } = globalThis as unknown as { chat: Record<string, (value: unknown) => unknown> };
      return chat[method as string]?.(value);
    },
    [name, argument],
  );
}

/** Sends, and doesn't wait for the answer's end. */
export async function say(page: Page, text: string): Promise<void> {
  await page.waitForFunction("window.hasLoaded");
  await page.evaluate((said) => {
    const { chat } = globalThis as unknown as { chat: { sendMessage: (message: object) => Promise<void> } };
    void chat.sendMessage({ text: said });
  }, text);
}

/** The numbers of the model's calls that a text has words of. */
export function callsIn(text: string): number[] {
  return [...new Set([...text.matchAll(/(\d+):/g)].map(([, number]) => Number(number)))];
}

/** Whether the words are there, each once and in order. */
export function isWhole(text: string): boolean {
  return [...text.matchAll(/:(\d+) /g)].every(([, word], index) => Number(word) === index + 1);
}
