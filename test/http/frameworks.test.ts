// The bridge under the frameworks of Node, after whatever their middleware has done to the request.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer, get } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { connect as connectSecurely } from "node:tls";
import {
  createApp,
  createRouter,
  defineEventHandler,
  fromNodeMiddleware,
  readBody,
  toNodeListener,
} from "h3";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  createResumeHandlers,
  streamResponse,
  toNodeHandler,
  type NodeHandlerContext,
} from "../../src/http.ts";
import { createDeferred } from "../../src/lib/deferred.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { certificate, privateKey } from "../support/certificate.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/wait.ts";
import { express } from "./express.ts";
import { listen } from "./listen.ts";

/** An answer that doesn't come within this time hangs. */
const AT_ONCE = 5_000;

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
  app.use((request: { user?: string; url: string }, _: unknown, next: () => void) => {
    if (request.url.endsWith("?me")) request.user = "me";
    next();
  });
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

  test("a body that the app has read arrives, as it came, and so do the router's params", async () => {
    const router = createRouter();
    const answer = fromNodeMiddleware(
      toNodeHandler(async (request, { params }) =>
        Response.json([params, request.headers.get("content-encoding"), await request.text()]),
      ) as never,
    );
    router.post(
      "/chat/:id",
      defineEventHandler(async (event) => {
        await readBody(event);
        Object.assign(event.node.req, { params: event.context.params });
        return answer(event) as unknown;
      }),
    );
    const url = await listen(toNodeListener(createApp().use(router)));
    const headers = { "content-type": "application/json", "content-encoding": "identity" };
    const body = '{ "a" : "é" }';
    const signal = AbortSignal.timeout(AT_ONCE);
    const response = await fetch(`${url}/chat/1`, { method: "POST", headers, body, signal });
    expect(await response.json()).toEqual([{ id: "1" }, "identity", body]);
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
    expect(settled).toContain("/late");
  });
});

describe("over HTTP/1.0, where a close is the end, a body that breaks off", () => {
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

  /** The body, and how its connection ended. */
  async function ask(socket: Socket): Promise<string[]> {
    socket.write("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
    let text = "";
    socket.on("data", (bytes) => (text += String(bytes)));
    const how = await new Promise<string>((resolve) => {
      socket.on("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? ""));
      socket.on("end", () => resolve("closed"));
    });
    return [text.split("\r\n\r\n")[1] ?? "", how];
  }

  test("resets the connection, after what it gave", async () => {
    const { port } = new URL(await listen(handler));
    expect(await ask(connect(Number(port), "127.0.0.1"))).toEqual(["some text", "ECONNRESET"]);
  });

  test(
    "closes a connection that has no reset: a Unix socket's, or one with TLS",
    { timeout: 10_000 },
    async () => {
      const path = join(temporaryFolder("socket"), "socket");
      const plain = createServer(handler).listen(path);
      await once(plain, "listening");
      expect(await ask(connect(path))).toEqual(["some text", "closed"]);
      plain.close();

      const secure = createSecureServer({ cert: certificate, key: privateKey }, handler).listen(
        0,
        "127.0.0.1",
      );
      await once(secure, "listening");
      const { port } = secure.address() as AddressInfo;
      const socket = connectSecurely({ port, host: "127.0.0.1", rejectUnauthorized: false });
      expect(await ask(socket)).toEqual(["some text", "closed"]);
      secure.close();
    },
  );
});

test("a request's URL has the scheme of its connection", async () => {
  const handler = toNodeHandler((request) => new Response(request.url));
  expect(await (await fetch(`${await listen(handler)}/a`)).text()).toMatch(/^http:/);

  const identity = { cert: certificate, key: privateKey };
  const server = createSecureServer(identity, handler).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve) => {
    get({ port, host: "127.0.0.1", path: "/a", rejectUnauthorized: false }, resolve);
  });
  expect(await textOf(answer)).toBe(`https://127.0.0.1:${port}/a`);
});

test("headers are as middleware left them, and those of a request that was made without a connection", async () => {
  const handler = toNodeHandler((request) => Response.json([...request.headers]));
  const app = express();
  app.use((request: { headers: Record<string, unknown> }, _: unknown, next: () => void) => {
    request.headers = { "x-user": "me", accept: ["a", "b"] };
    next();
  });
  app.all("/", handler);
  const response = await fetch(await listen(app), { headers: { "x-admin": "forged", "x-user": "forged" } });
  expect(await response.json()).toEqual([
    ["accept", "a, b"],
    ["x-user", "me"],
  ]);
});

test("cookies, vary and exposed headers of middleware stay, besides those of the answer", async () => {
  const app = express();
  app.use((_: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader("access-control-expose-headers", "x-request-id");
    response.setHeader("vary", "origin");
    response.setHeader("set-cookie", ["a=1", "b=2"]);
    response.setHeader("cache-control", "public");
    next();
  });
  const headers = new Headers({ vary: "cookie", "set-cookie": "c=3" });
  headers.append("set-cookie", "d=4");
  const handler = toNodeHandler(() => streamResponse(undefined, { headers }));
  app.all("/", handler);
  const answer = (await fetch(await listen(app))).headers;
  expect(answer.get("access-control-expose-headers")).toMatch(
    /^x-request-id, stream-status, stream-offset, /,
  );
  expect(answer.get("vary")).toBe("origin, cookie");
  expect(answer.getSetCookie()).toEqual(["a=1", "b=2", "c=3", "d=4"]);
  expect(answer.get("cache-control")).toBe("no-store");
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
  const url = await listen(handler);
  const first = await fetch(url, { method: "POST" });
  const others = await Promise.all([fetch(url), fetch(url)]);
  source.push("data: a\n\n");
  source.fail(new Error("the provider said no", { cause: "secret text" }));
  for (const response of [first, ...others]) await expect(response.text()).rejects.toThrow(/terminated/);
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ code: "SOURCE_FAILED" });
  expect((seen[0] as Error).cause).toBeUndefined();
});
