// A chat app as a new user has it: the packed package from a registry's client, two processes, a load balancer, pages.

import { execFile, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { SDK_VERSIONS } from "../../ai-sdk/sdks.ts";
import { pack } from "../../package/consumer.ts";
import { freePort } from "../../support/free-port.ts";
import { TcpProxy } from "../../support/proxy.ts";
import { within } from "../../support/wait.ts";
import { Balancer, type Upstream } from "./balancer.ts";
import { Journal } from "./journal.ts";
import { readSources, type StoreName } from "./sources.ts";

const run = promisify(execFile);
const { ai, react } = SDK_VERSIONS[7];
const PACKAGES = [`ai@${ai}`, `@ai-sdk/react@${react}`, "react@19", "react-dom@19", "zod@4", "redis", "pg"];

export interface AppFolder extends AsyncDisposable {
  path: string;
}

/** A project with the packed package and its peers. */
export async function installApp(): Promise<AppFolder> {
  const path = await mkdtemp(join(tmpdir(), "chat-app-"));
  const tarball = await pack();
  await writeFile(join(path, "package.json"), '{ "private": true, "type": "module" }\n');
  const options = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  await run("npm", ["install", ...options, tarball.path, ...PACKAGES], { cwd: path, timeout: 240_000 });
  await tarball.remove();
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** One of the app's processes. */
export interface ServerProcess extends Upstream {
  pid: number;
  child: ChildProcess;
  exited: Promise<number | null>;
}

interface AppOptions {
  browser: Browser;
  folder: string;
  store: StoreName;
  env: Record<string, string>;
}

export class ChatApp {
  readonly journal: Journal;
  /** Those that take requests. */
  readonly servers: ServerProcess[] = [];
  readonly #options: AppOptions;
  readonly #balancer: Balancer;
  readonly #networks = new Map<Page, TcpProxy>();
  readonly #started: ServerProcess[] = [];

  private constructor(options: AppOptions, balancer: Balancer) {
    this.#options = options;
    this.#balancer = balancer;
    this.journal = new Journal(options.folder, options.store);
  }

  static async start(options: AppOptions): Promise<ChatApp> {
    const { folder, store, env } = options;
    const sources = await readSources(store);
    await mkdir(join(folder, store));
    for (const [name, code] of Object.entries(sources.server))
      await writeFile(join(folder, store, name), code);
    if (store === "postgres") {
      const bin = join(folder, "node_modules/.bin/resumable-stream");
      await run(bin, ["postgres", "setup"], { env: { ...process.env, ...env } });
    }
    const { outputFiles } = await build({
      stdin: { contents: sources.page, resolveDir: folder },
      bundle: true,
      format: "esm",
      write: false,
      define: { "process.env.NODE_ENV": '"production"' },
    });
    const html = '<!doctype html><body></body><script type="module" src="/page.js"></script>';
    const balancer = await Balancer.start({
      "/": { type: "text/html", text: html },
      "/page.js": { type: "text/javascript", text: outputFiles[0]?.text ?? "" },
    });
    const app = new ChatApp(options, balancer);
    await Promise.all([app.startServer(), app.startServer()]);
    return app;
  }

  async startServer(): Promise<void> {
    const { folder, store, env } = this.#options;
    const port = await freePort();
    const child = fork(join(folder, store, "server.js"), {
      cwd: folder,
      env: { ...process.env, ...env, ...this.journal.env, PORT: String(port), NODE_OPTIONS: "" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const exited = once(child, "exit").then(([code]) => code as number | null);
    const server = { port, child, exited, pid: child.pid ?? 0 };
    this.#started.push(server);
    const failed = exited.then((code) => Promise.reject(new Error(`The server exited with ${code}.`)));
    // Ends with the process, whenever that is.
    failed.catch(() => undefined);
    await within(30_000, "a server to listen", Promise.race([once(child, "message"), failed]));
    this.servers.push(server);
    this.#balancer.add(server);
  }

  /** SIGKILL to the process that has the pid. */
  async kill(pid: number): Promise<void> {
    const server = this.#leave(pid);
    server.child.kill("SIGKILL");
    await server.exited;
  }

  /** SIGTERM to the process that has the pid, which gets no more requests. */
  terminate(pid: number): ServerProcess {
    const server = this.#leave(pid);
    server.child.kill("SIGTERM");
    return server;
  }

  /** A page that knows whether an answer runs: of a browser of its own, or a second tab beside `tab`. */
  async open(chatId: string, tab?: Page): Promise<Page> {
    const context = tab?.context() ?? (await this.#options.browser.newContext());
    const page = await context.newPage();
    const network = await TcpProxy.start(this.#balancer.port);
    this.#networks.set(page, network);
    await untilLoaded(page, () => page.goto(`http://127.0.0.1:${network.port}/?id=${chatId}`));
    return page;
  }

  /** The page's own network. */
  networkOf(page: Page): TcpProxy {
    const network = this.#networks.get(page);
    if (!network) throw new Error("The page isn't one of the app's.");
    return network;
  }

  async closePages(): Promise<void> {
    const opened = [...this.#networks];
    this.#networks.clear();
    const contexts = new Set(opened.map(([page]) => page.context()));
    await Promise.all([...contexts].map((context) => context.close()));
    await Promise.all(opened.map(([, network]) => network.stop()));
  }

  async stop(): Promise<void> {
    await this.closePages();
    for (const { child } of this.#started) child.kill("SIGKILL");
    await Promise.all(this.#started.map(({ exited }) => exited));
    await this.#balancer.stop();
  }

  #leave(pid: number): ServerProcess {
    const at = this.servers.findIndex((server) => server.pid === pid);
    const [server] = at < 0 ? [] : this.servers.splice(at, 1);
    if (!server) throw new Error(`No server has the pid ${pid}.`);
    this.#balancer.remove(server);
    return server;
  }
}

/** Waits for the page to have asked whether an answer runs: one that sends a question before that confuses `useChat`. */
export async function untilLoaded(page: Page, load: () => Promise<unknown>): Promise<void> {
  const asked = page.waitForResponse((response) => {
    const url = response.url();
    return url.includes("/api/chat") && !url.includes("&messages");
  });
  await Promise.all([asked, load()]);
}
