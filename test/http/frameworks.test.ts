// The bridge under the frameworks of Node, after whatever their middleware has done to the request.

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { createApp, createRouter, fromNodeMiddleware, toNodeListener } from "h3";
import { afterEach, describe, expect, test } from "vitest";
import {
  createResumeHandlers,
  streamResponse,
  toNodeHandler,
  type NodeHandler,
  type NodeHandlerContext,
} from "../../src/http.ts";
import { createDeferred } from "../../src/lib/deferred.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { until } from "../support/wait.ts";

// Express ships no types, and this much of it is all that is used.
type Middleware = (...args: never[]) => unknown;
interface App {
  use: (...args: (string | Middleware)[]) => void;
  all: (path: string, handler: NodeHandler | Middleware) => void;
}
interface Express {
  (): App & RequestListener;
  json: (options?: object) => Middleware;
  text: (options?: object) => Middleware;
  raw: (options?: object) => Middleware;
  urlencoded: (options?: object) => Middleware;
  Router: () => App & Middleware;
}
const express = createRequire(import.meta.url)("express") as Express;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A body that can't be had must be an answer within this time. */
const AT_ONCE = 5_000;

describe("a body that was read before", () => {
  /** What the handler reads, by its own text() behind a parser. */
  async function post(parser: Middleware, { type, body }: { type: string; body: BodyInit }) {
    const errors: unknown[] = [];
    const app = express();
    app.use(parser);
    const handler = toNodeHandler(async (request) => new Response(await request.text()), {
      onError: (error) => errors.push(error),
    });
    app.all("/", handler);
    const url = await listen(app);
    const headers = { "content-type": type };
    const signal = AbortSignal.timeout(AT_ONCE);
    const response = await fetch(url, { method: "POST", headers, body, signal });
    return { status: response.status, text: await response.text(), errors };
  }

  const json = JSON.stringify({ messages: [{ text: "héllo \u2028" }], n: 1 });
  const keepRaw = {
    verify: (request: { rawBody?: unknown }, _: unknown, bytes: Buffer) => void (request.rawBody = bytes),
  };

  test.each([
    ["express.json()", express.json(), "application/json", json, json],
    ["express.json(), with a charset", express.json(), "application/json; charset=utf-8", json, json],
    [
      "express.json(), of a vendor's type",
      express.json({ type: "*/*" }),
      "application/vnd.api+json",
      json,
      json,
    ],
    [
      "express.json(), of another type",
      express.json({ type: "*/*" }),
      "text/plain;charset=UTF-8",
      json,
      json,
    ],
    [
      "express.json(), that takes a bare text",
      express.json({ strict: false }),
      "application/json",
      '"a"',
      '"a"',
    ],
    ["express.json(), that passes by", express.json(), "text/plain", "as it is", "as it is"],
    ["express.json(), for nothing", express.json(), "application/json", "", ""],
    [
      "a parser that keeps the bytes",
      express.json(keepRaw),
      "application/json",
      '{ "a" : 1 }',
      '{ "a" : 1 }',
    ],
    ["express.text()", express.text(), "text/plain", "héllo", "héllo"],
    ["express.text(), of JSON", express.text({ type: "*/*" }), "application/json", json, json],
    ["express.raw()", express.raw(), "application/octet-stream", "bytes", "bytes"],
    [
      "express.urlencoded()",
      express.urlencoded({ extended: false }),
      "application/x-www-form-urlencoded",
      "a=1&b=x%20y&b=2",
      "a=1&b=x+y&b=2",
    ],
    [
      "express.urlencoded(), extended",
      express.urlencoded({ extended: true }),
      "application/x-www-form-urlencoded",
      "a[b]=1&c=",
      "a%5Bb%5D=1&c=",
    ],
  ])("by %s arrives", async (_, parser, type, body, expected) => {
    expect(await post(parser, { type, body })).toEqual({ status: 200, text: expected, errors: [] });
  });

  /** Reads all, and leaves nothing: as a parser of forms does that hands files on. */
  const swallow: Middleware = ((request: NodeJS.ReadableStream, _: unknown, next: () => void) => {
    request.on("end", next);
    request.resume();
  }) as Middleware;

  test.each([
    ["a parser of forms", "multipart/form-data; boundary=x", /multer/],
    ["one that leaves nothing", "application/json", /express\.json\(\)/],
  ])("by %s is a clear error at once", async (_, type, message) => {
    const { status, errors } = await post(swallow, { type, body: "--x--" });
    expect(status).toBe(500);
    expect(errors).toEqual([
      expect.objectContaining({ name: "TypeError", message: expect.stringMatching(message) as string }),
    ]);
  });

  test("is no trouble of a handler that doesn't want it", async () => {
    const app = express();
    app.use(swallow);
    app.all(
      "/",
      toNodeHandler(() => new Response("fine")),
    );
    const response = await fetch(await listen(app), {
      method: "POST",
      body: "x",
      signal: AbortSignal.timeout(AT_ONCE),
    });
    expect([response.status, await response.text()]).toEqual([200, "fine"]);
  });

  test("that was compressed arrives as text, and says no more that it is compressed", async () => {
    const { gzipSync } = await import("node:zlib");
    const app = express();
    app.use(express.json());
    app.all(
      "/",
      toNodeHandler(async (request) =>
        Response.json([await request.json(), request.headers.get("content-encoding")]),
      ),
    );
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const body = new Uint8Array(gzipSync('{"a":1}'));
    const response = await fetch(await listen(app), { method: "POST", headers, body });
    expect(await response.json()).toEqual([{ a: 1 }, null]);
  });
});

test("a router's mount path stays in the URL, and its params are passed on", async () => {
  const app = express();
  const router = express.Router();
  router.all(
    "/chat/:id",
    toNodeHandler((request, { params }) => Response.json([new URL(request.url).pathname, params])),
  );
  app.use("/api", router);
  const response = await fetch(`${await listen(app)}/api/chat/a%2Fb?x=1`);
  expect(await response.json()).toEqual(["/api/chat/a%2Fb", { id: "a/b" }]);
});

test("resume handlers take a router's params, and what middleware has put on the request", async () => {
  await using context = createResumableStreamContext({ waitUntil: null });
  const running = manualSource();
  await context.createNewResumableStream("mine", running.makeStream);
  running.push("data: a\n\n");
  running.end();
  const { GET } = createResumeHandlers<[NodeHandlerContext]>(context, {
    streamId: (_, { params }) => params["id"],
    authorize: (_, __, { incoming }) => (incoming as { user?: string }).user === "me",
  });
  const app = express();
  app.use(((request: { user?: string; url: string }, _: unknown, next: () => void) => {
    if (request.url.endsWith("?me")) request.user = "me";
    next();
  }) as Middleware);
  app.all("/chat/:id", toNodeHandler(GET));
  const url = await listen(app);
  expect((await fetch(`${url}/chat/mine`)).status).toBe(403);
  expect((await fetch(`${url}/chat/none?me`)).status).toBe(204);
});

describe("under h3 1, as Nuxt and Nitro have it,", () => {
  async function serve(handler: (request: Request) => Response | Promise<Response>) {
    const errors: unknown[] = [];
    const app = createApp();
    const router = createRouter();
    router.use(
      "/chat/**",
      fromNodeMiddleware(toNodeHandler(handler, { onError: (error) => errors.push(error) }) as never),
    );
    app.use(router);
    return { url: `${await listen(toNodeListener(app))}/chat/1`, errors };
  }

  test("a stream arrives whole", async () => {
    await using context = createResumableStreamContext({ waitUntil: null });
    const { url } = await serve(async () =>
      streamResponse(await context.createNewResumableStream("whole", sourceOf(["a", "b"])), {
        format: "text",
      }),
    );
    expect(await (await fetch(url)).text()).toBe("ab");
  });

  test("one that fails breaks off, and the next request is served", async () => {
    await using context = createResumableStreamContext({ waitUntil: null });
    const { url, errors } = await serve(async () => {
      const source = manualSource();
      const stream = await context.createNewResumableStream("fails", source.makeStream);
      source.push("a");
      setTimeout(() => source.fail(new Error("the model is gone")), 50);
      return streamResponse(stream, { format: "text" });
    });
    const ask = async () => (await fetch(url, { signal: AbortSignal.timeout(AT_ONCE) })).text();
    await expect(ask()).rejects.toThrow(/terminated/);
    await expect(ask()).rejects.toThrow(/terminated/);
    expect(errors).toHaveLength(2);
  });

  test("a tab that is closed lets the framework go on, before the answer and in it", async () => {
    const arrived = createDeferred<void>();
    const settled: string[] = [];
    const app = createApp({
      onAfterResponse: () => void settled.push("after"),
      onError: () => void settled.push("error"),
    });
    const handler = toNodeHandler(async (request) => {
      arrived.resolve();
      if (request.url.endsWith("/early")) await new Promise(() => undefined);
      return new Response(new ReadableStream());
    });
    const listener = fromNodeMiddleware(handler as never);
    app.use("/", async (event) => {
      await listener(event);
      settled.push(event.path);
    });
    const url = await listen(toNodeListener(app));
    for (const path of ["/early", "/late"]) {
      const tab = new AbortController();
      const asked = fetch(url + path, { signal: tab.signal }).catch(() => undefined);
      if (path === "/early") await arrived.promise;
      else await asked;
      tab.abort();
      await until(() => settled.includes(path), { what: `the framework to go on after ${path}` });
    }
  });
});

test("over HTTP/1.0, where a close is the end, a body that breaks off resets the connection, after what it gave", async () => {
  const handler = toNodeHandler(
    () => {
      const pieces = ["some ", "text"];
      return new Response(
        new ReadableStream<Uint8Array>({
          async pull(controller) {
            const piece = pieces.shift();
            if (piece !== undefined) return controller.enqueue(new TextEncoder().encode(piece));
            await new Promise((resolve) => setTimeout(resolve, 100));
            controller.error(new Error("cut off"));
          },
        }),
      );
    },
    { onError: () => undefined },
  );
  const { port } = new URL(await listen(handler as RequestListener));
  const socket = connect(Number(port), "127.0.0.1");
  socket.write("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
  let text = "";
  socket.on("data", (bytes) => (text += String(bytes)));
  const how = await new Promise<string>((resolve) => {
    socket.on("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? ""));
    socket.on("end", () => resolve("closed"));
  });
  expect([text.split("\r\n\r\n")[1], how]).toEqual(["some text", "ECONNRESET"]);
});

test("a source's failure is told once, however many read it, and without its cause", async () => {
  const seen: unknown[] = [];
  await using context = createResumableStreamContext({
    waitUntil: null,
    onError: (error) => seen.push(error),
  });
  const source = manualSource();
  const handler = toNodeHandler(
    async (request) =>
      streamResponse(
        request.method === "POST"
          ? await context.createNewResumableStream("one", source.makeStream)
          : await context.resumeExistingStream("one"),
      ),
    { onError: (error) => seen.push(error) },
  );
  const url = await listen(handler as RequestListener);
  const first = await fetch(url, { method: "POST" });
  const others = await Promise.all([fetch(url), fetch(url)]);
  source.push("data: a\n\n");
  source.fail(new Error("the provider said no", { cause: "secret text" }));
  for (const response of [first, ...others]) await expect(response.text()).rejects.toThrow(/terminated/);
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ code: "SOURCE_FAILED" });
  expect((seen[0] as Error).cause).toBeUndefined();
});
