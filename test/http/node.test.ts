// A handler on Request and Response, served by Node's http.

import { once } from "node:events";
import { createServer, type IncomingMessage, request as openRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { streamResponse, toNodeHandler } from "../../src/http.ts";
import { createDeferred } from "../../src/lib/deferred.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { until } from "../support/wait.ts";

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(
  handler: (request: Request) => Response | Promise<Response>,
  onError: (error: unknown) => void = () => undefined,
): Promise<string> {
  const server = createServer(toNodeHandler(handler, { onError }));
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("the request arrives with its method, URL, headers and body", async () => {
  const url = await serve(async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    return Response.json([request.method, pathname + search, request.headers.get("x-own"), text.length]);
  });
  const body = "x".repeat(300_000);
  const response = await fetch(`${url}/a?b=c`, { method: "POST", headers: { "x-own": "1" }, body });
  expect(await response.json()).toEqual(["POST", "/a?b=c", "1", 300_000]);
});

test.each([
  [
    "read from its web stream",
    (body: ReadableStream<string>) => new Response(body.pipeThrough(new TextEncoderStream())),
  ],
  [
    "taken from behind its response",
    (body: ReadableStream<string>) => streamResponse(body, { format: "text" }),
  ],
])("a middleware whose write answers nothing holds up no body that is %s", async (_, respond) => {
  const context = createResumableStreamContext({ waitUntil: null });
  const source = manualSource();
  const stream = await context.createNewResumableStream("chat", source.makeStream);
  const bridge = toNodeHandler(() => respond(stream ?? new ReadableStream()));
  const written: unknown[] = [];
  const server = createServer((incoming, outgoing) => {
    const write = outgoing.write.bind(outgoing) as (...args: unknown[]) => boolean;
    // As found in logging middlewares.
    outgoing.write = function log(this: void, ...args: unknown[]) {
      written.push(args[0]);
      write(...args);
    } as never;
    void bridge(incoming, outgoing);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const reading = read((await fetch(`http://127.0.0.1:${port}`)).body?.pipeThrough(new TextDecoderStream()));
  for (const piece of ["one ", "two ", "three"]) {
    source.push(piece);
    await reading.reached(reading.text().length + piece.length);
  }
  source.end();
  await expectClosed(reading, "one two three");
  expect(written).toHaveLength(3);
});

describe("the request's URL", () => {
  /** With a Host and a target as a client may write them, which fetch would tidy. */
  async function ask(url: string, { target = "/", host }: { target?: string; host?: string }) {
    const asked = openRequest(url, { path: target, ...(host !== undefined && { headers: { host } }) }).end();
    const [incoming] = (await once(asked, "response")) as [IncomingMessage];
    let text = "";
    for await (const bytes of incoming) text += String(bytes);
    return [incoming.statusCode, text];
  }

  test.each([
    ["//x/y", "//x/y"],
    ["//", "//"],
    ["//:", "//:"],
    ["/\\x", "//x"],
    ["/a?b=//c", "/a?b=//c"],
    ["http://other.example/a", "/a"],
  ])("of the target %s has the path %s", async (target, path) => {
    const url = await serve((request) => {
      const { pathname, search } = new URL(request.url);
      return new Response(pathname + search);
    });
    expect(await ask(url, { target })).toEqual([200, path]);
  });

  test.each([
    ["app.example", "http://app.example/a"],
    ["APP.example:80", "http://app.example/a"],
    ["[::1]:3000", "http://[::1]:3000/a"],
  ])('has the host that the client named: "%s"', async (host, expected) => {
    const url = await serve((request) => new Response(request.url));
    expect(await ask(url, { target: "/a", host })).toEqual([200, expected]);
  });

  test.each(["a b", "a/b", "a?", "a#b", "a\\b", "user@a", "user:word@a", "a:99999", "[", "<a>"])(
    'has no place for the host "%s": 400, and it is no error of the handler',
    async (host) => {
      const asked: unknown[] = [];
      const url = await serve(
        (request) => {
          asked.push(request.url);
          return new Response();
        },
        (error) => asked.push(error),
      );
      expect(await ask(url, { target: "/a", host })).toEqual([400, ""]);
      expect(asked).toEqual([]);
    },
  );
});

test("the method TRACE, which no Request can have, is answered with 400", async () => {
  const errors: unknown[] = [];
  const url = await serve(
    () => new Response(),
    (error) => errors.push(error),
  );
  const asked = openRequest(url, { method: "TRACE" }).end();
  const [{ statusCode }] = (await once(asked, "response")) as [IncomingMessage];
  expect([statusCode, errors]).toEqual([400, []]);
});

test("the answer arrives with its status, headers, cookies and body", async () => {
  const url = await serve(() => {
    const headers = new Headers({ "x-own": "1" });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return new Response("text", { status: 201, headers });
  });
  const response = await fetch(url);
  expect([response.status, response.headers.get("x-own"), await response.text()]).toEqual([201, "1", "text"]);
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
});

test("headers go out before the first text, and a 204 has no body", async () => {
  const url = await serve((request) =>
    request.url.endsWith("/none") ? new Response(null, { status: 204 }) : new Response(new ReadableStream()),
  );
  const response = await fetch(url);
  expect(response.status).toBe(200);
  await response.body?.cancel();
  expect((await fetch(`${url}/none`)).status).toBe(204);
});

test("a handler that throws answers 500, and is told", async () => {
  const errors: unknown[] = [];
  const url = await serve(
    () => {
      throw new Error("broken");
    },
    (error) => errors.push(error),
  );
  expect((await fetch(url)).status).toBe(500);
  expect(errors).toEqual([new Error("broken")]);
});

test("a body that breaks off breaks the connection, after what it gave", async () => {
  const url = await serve(() => {
    const pieces = ["some ", "text"];
    return new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = pieces.shift();
          if (piece === undefined) controller.error(new Error("cut off"));
          else controller.enqueue(new TextEncoder().encode(piece));
        },
      }),
    );
  });
  const [incoming] = (await once(openRequest(url).end(), "response")) as [NodeJS.ReadableStream];
  let text = "";
  incoming.on("data", (bytes: Buffer) => (text += bytes.toString()));
  const [error] = (await once(incoming, "error").catch((reason: unknown) => [reason])) as [Error];
  expect({ text, message: error.message }).toEqual({ text: "some text", message: "aborted" });
});

describe("a client", () => {
  test("that leaves cancels the body and aborts the request's signal", async () => {
    const cancelled = createDeferred<unknown>();
    let signal: AbortSignal | undefined;
    const url = await serve((request) => {
      ({ signal } = request);
      return new Response(new ReadableStream({ cancel: cancelled.resolve }));
    });
    const abort = new AbortController();
    await fetch(url, { signal: abort.signal });
    abort.abort();
    await cancelled.promise;
    expect(signal?.aborted).toBe(true);
  });

  test("that left before the answer was made costs nothing, and is no error", async () => {
    const errors: unknown[] = [];
    const cancelled = createDeferred<unknown>();
    const arrived = createDeferred<undefined>();
    const url = await serve(
      async (request) => {
        arrived.resolve(undefined);
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        return new Response(new ReadableStream({ cancel: cancelled.resolve }));
      },
      (error) => errors.push(error),
    );
    const abort = new AbortController();
    const response = fetch(url, { signal: abort.signal });
    await arrived.promise;
    abort.abort();
    await expect(response).rejects.toThrow(/abort/);
    await cancelled.promise;
    expect(errors).toEqual([]);
  });

  test("that reads slowly is waited for, and then gets everything", async () => {
    const piece = new Uint8Array(64 * 1024);
    const pieces = 2_000;
    let given = 0;
    const url = await serve(
      () =>
        new Response(
          new ReadableStream<Uint8Array>(
            {
              pull(controller) {
                if (given === pieces) return controller.close();
                given += 1;
                controller.enqueue(piece);
              },
            },
            { highWaterMark: 0 },
          ),
        ),
    );
    const asked = openRequest(url).end();
    const [incoming] = (await once(asked, "response")) as [NodeJS.ReadableStream];
    let before = -1;
    await until(
      () => {
        const stands = given === before;
        before = given;
        return stands;
      },
      { what: "the server to wait" },
    );
    // What the sockets' own buffers hold, and not the 128 MB there are.
    expect(given).toBeLessThan(pieces / 2);
    let received = 0;
    for await (const bytes of incoming) received += (bytes as Buffer).length;
    expect(received).toBe(pieces * piece.length);
  });
});
