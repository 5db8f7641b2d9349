// A stream behind a real server and a proxy, and a client whose time, chance and network state a test decides.

import { fetchOn, type ResumableFetchInit } from "../../src/client/resumable-fetch.ts";
import type { Platform } from "../../src/client/platform.ts";
import { createResumeHandlers, type StreamResponseOptions } from "../../src/http.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { type ManualSource, manualSource } from "../../src/testing/manual-source.ts";
import { type HttpServer, serveHttp } from "../support/http-server.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { TcpProxy } from "../support/proxy.ts";

/** A server behind a proxy, and a client of it. */
export interface Wire extends AsyncDisposable {
  proxy: TcpProxy;
  /** Behind the proxy. */
  url: string;
  clock: ManualClock;
  /** Of each request, what follows the path. */
  requests: string[];
  platform: Platform & { offline: boolean; wake: (why: "online" | "visible") => void; wakers: () => number };
  fetch: (init?: ResumableFetchInit) => Promise<Response>;
}

export interface ClientScene extends Wire {
  context: ResumableStreamContext;
  id: string;
  source: ManualSource;
  /** Answers instead of the stream, each once. */
  answers: (() => Response | Promise<Response>)[];
}

let scenes = 0;

export async function openWire(handler: (request: Request) => Response | Promise<Response>): Promise<Wire> {
  const requests: string[] = [];
  const server: HttpServer = await serveHttp((request) => {
    requests.push(new URL(request.url).search);
    return handler(request);
  });
  const proxy = await TcpProxy.start(server.port);
  const url = `http://127.0.0.1:${proxy.port}/stream`;
  const clock = manualClock();
  const platform = platformOn(clock);
  return {
    proxy,
    url,
    clock,
    requests,
    platform,
    fetch: (init = {}) => fetchOn(platform, url, init),
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A stream that its own reader has left: every other one resumes. */
export async function openScene(options: StreamResponseOptions = {}): Promise<ClientScene> {
  const id = `client-${++scenes}`;
  const context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  const source = manualSource();
  await (await context.createNewResumableStream(id, source.makeStream))?.cancel();
  const { GET } = createResumeHandlers(context, { streamId: () => id, authorize: () => true, ...options });
  const answers: ClientScene["answers"] = [];
  const wire = await openWire(async (request) => (await answers.shift()?.()) ?? GET(request));
  return {
    ...wire,
    context,
    id,
    source,
    answers,
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      await context.close();
    },
  };
}

function platformOn(clock: ManualClock): ClientScene["platform"] {
  const wakers = new Set<(why: "online" | "visible") => void>();
  const platform: ClientScene["platform"] = {
    fetch: (...args) => fetch(...args),
    // What is read in a turn is up to the runtime's streams.
    clock: { ...clock, nextTurn: (callback) => void setImmediate(callback) },
    random: () => 1,
    offline: false,
    isOffline: () => platform.offline,
    onWake: (callback, signal) => {
      wakers.add(callback);
      signal.addEventListener("abort", () => wakers.delete(callback));
    },
    wake: (why) => wakers.forEach((callback) => callback(why)),
    wakers: () => wakers.size,
  };
  return platform;
}
