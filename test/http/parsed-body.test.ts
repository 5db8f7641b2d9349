// A body that a parser has read before the bridge's handler.

import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { toNodeHandler } from "../../src/http.ts";
import { express, type Middleware } from "./express.ts";
import { listen } from "./listen.ts";

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
    [
      "express.urlencoded(), of a list of objects",
      express.urlencoded({ extended: true }),
      "application/x-www-form-urlencoded",
      "a[0][b]=1&a[1][b]=2&c[]=3&c[]=4",
      "a%5B0%5D%5Bb%5D=1&a%5B1%5D%5Bb%5D=2&c=3&c=4",
    ],
  ])("by %s arrives", async (_, parser, type, body, expected) => {
    expect(await post(parser, { type, body })).toEqual({ status: 200, text: expected, errors: [] });
  });

  /** Reads all, and leaves nothing: as a parser of forms does that hands files on. */
  const swallow: Middleware = (request: NodeJS.ReadableStream, _: unknown, next: () => void) => {
    request.on("end", next);
    request.resume();
  };

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
