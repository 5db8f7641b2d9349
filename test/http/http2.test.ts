// The bridge on HTTP/2, where a connection carries many answers at once.

import { once } from "node:events";
import { type ClientHttp2Session, connect, createSecureServer, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { toNodeHandler } from "../../src/http.ts";
import { createDeferred } from "../../src/lib/deferred.ts";
import { certificate, privateKey } from "../support/certificate.ts";
import { within } from "../support/wait.ts";

async function serve(
  handler: (request: Request) => Response | Promise<Response>,
  scheme: "http" | "https" = "http",
) {
  const node = toNodeHandler(handler, { onError: () => undefined });
  const server =
    scheme === "http" ? createServer(node) : createSecureServer({ cert: certificate, key: privateKey }, node);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = connect(`${scheme}://${authority}`, { rejectUnauthorized: false });
  onTestFinished(async () => {
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, authority };
}

/** The answer's text up to its end, and the code that ended it: 0 where it is whole. */
async function ask(client: ClientHttp2Session, path: string, method = "GET") {
  const stream = client.request({ ":path": path, ":method": method });
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (piece: string) => (text += piece));
  const closed = createDeferred<undefined>();
  const failed = createDeferred<undefined>();
  stream.on("error", () => failed.resolve(undefined));
  stream.on("close", () => closed.resolve(undefined));
  stream.end();
  await within(5_000, `${method} ${path}`, closed.promise);
  if (stream.rstCode !== 0) await within(5_000, "its error", failed.promise);
  return { text, code: stream.rstCode };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

test("a body that breaks off, after what it gave, leaves the connection's others alone", async () => {
  const other = createDeferred<ReadableStreamDefaultController<Uint8Array>>();
  const { client } = await serve(({ url }) => {
    if (url.endsWith("/other")) return new Response(new ReadableStream({ start: other.resolve }));
    const pieces = ["some ", "text"];
    return new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = pieces.shift();
          if (piece === undefined) controller.error(new Error("cut off"));
          else controller.enqueue(bytesOf(piece));
        },
      }),
    );
  });
  const asked = ask(client, "/other");
  const controller = await other.promise;
  controller.enqueue(bytesOf("all "));
  // 2 is INTERNAL_ERROR.
  expect(await ask(client, "/broken")).toEqual({ text: "some text", code: 2 });
  controller.enqueue(bytesOf("of it"));
  controller.close();
  expect(await asked).toEqual({ text: "all of it", code: 0 });
  expect(client.closed || client.destroyed).toBe(false);
});

test("a handler that throws answers 500, and HEAD gets no body", async () => {
  const cancelled = createDeferred<unknown>();
  const { client } = await serve(({ url }) => {
    if (url.endsWith("/broken")) throw new Error("broken");
    return new Response(new ReadableStream({ cancel: cancelled.resolve }));
  });
  expect(await ask(client, "/broken")).toEqual({ text: "", code: 0 });
  expect(await ask(client, "/stream", "HEAD")).toEqual({ text: "", code: 0 });
  await within(5_000, "the body to be cancelled", cancelled.promise);
});

test("the request's URL has the host that was asked", async () => {
  const { client, authority } = await serve(({ url }) => new Response(url));
  expect((await ask(client, "/a?b=c")).text).toBe(`http://${authority}/a?b=c`);
});

test.each(["http", "https"] as const)(
  "a request's URL begins with %s if its connection does",
  async (scheme) => {
    const { client, authority } = await serve(({ url }) => new Response(url), scheme);
    expect((await ask(client, "/a")).text).toBe(`${scheme}://${authority}/a`);
  },
);
