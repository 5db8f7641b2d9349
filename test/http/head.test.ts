// HEAD gets the headers that GET would, and holds nothing: no stream, no follower, no connection.

import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createResumeHandlers, streamResponse } from "../../src/http.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { createDeferred } from "../../src/lib/deferred.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { sharedMemoryBus } from "../../src/transports/memory/memory-connection.ts";
import { serveHttp } from "../support/http-server.ts";
import { until, within } from "../support/wait.ts";

let producing: ResumableStreamContext;
/** As another process: it follows over the bus. */
let following: ResumableStreamContext;
let ids = 0;
let id = "";

beforeEach(async () => {
  id = `head-${++ids}`;
  producing = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  following = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  const source = manualSource();
  await producing.createNewResumableStream(id, source.makeStream);
  source.push("data: a\n\n");
});

afterEach(() => Promise.all([producing.close(), following.close()]));

const isFollowed = () => sharedMemoryBus().channels.some((channel) => channel.endsWith(`:live:${id}`));

const notFollowed = () => until(() => !isFollowed(), { withinMs: 2_000, what: "the follower to leave" });

const GET = (request: Request) =>
  createResumeHandlers(following, { streamId: () => id, authorize: () => true }).GET(request);

const ask = (method: string, search = "") => GET(new Request(`http://localhost/stream${search}`, { method }));

describe("a GET handler that is called for HEAD", () => {
  test("answers with GET's status and headers and without a body, and follows nothing on", async () => {
    const got = await ask("GET");
    expect(isFollowed()).toBe(true);
    await got.body?.cancel();
    await notFollowed();

    const head = await ask("HEAD");
    expect(head.body).toBeNull();
    expect(head.status).toBe(200);
    expect([...head.headers]).toEqual([...got.headers]);
    await notFollowed();
    expect(await producing.hasExistingStream(id)).toBe(true);
  });

  test("answers as GET does where there is no stream to follow", async () => {
    await producing.stopStream(id);
    expect((await ask("HEAD")).status).toBe(204);
    expect((await ask("HEAD", "?resumeAt=x")).status).toBe(400);
  });
});

describe("over Node's http, HEAD", () => {
  /** What a connection that is kept gets for HEAD, and then for another request. Node's own client would open a second. */
  async function askTwice(handler: (request: Request) => Response | Promise<Response>) {
    await using server = await serveHttp((request) =>
      request.url.endsWith("/other") ? new Response("other") : handler(request),
    );
    const socket = connect(server.port, "127.0.0.1").setEncoding("utf8");
    const requestOf = (line: string) => `${line} HTTP/1.1\r\nhost: app.example\r\n\r\n`;
    let received = "";
    socket.on("data", (text: string) => (received += text));
    const receives = (what: string) => until(() => received.includes(what), { withinMs: 2_000, what });
    socket.write(requestOf("HEAD /stream"));
    await receives("\r\n\r\n");
    const head = received;
    // Before the connection is closed, which would cancel the body too.
    await notFollowed();
    socket.write(requestOf("GET /other"));
    await receives("other");
    socket.destroy();
    return head;
  }

  test("of a handler that made a body follows nothing on, and frees the connection for the next request", async () => {
    const head = await askTwice(async () => {
      // As a handler that doesn't look at the method.
      const stream = await following.resumeExistingStream(id);
      return streamResponse(stream ?? new ReadableStream());
    });
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(head).toMatch(/\r\nstream-status: running\r\n/);
  });

  test("of a resume handler does too", async () => {
    expect(await askTwice(GET)).toMatch(/\r\nstream-status: running\r\n/);
  });

  test("cancels the body, and a body that can't be cancelled is nobody's trouble", async () => {
    const cancelled = createDeferred<undefined>();
    const cancel = () => {
      cancelled.resolve(undefined);
      throw new Error("can't");
    };
    expect(await askTwice(() => new Response(new ReadableStream({ cancel })))).toContain("200 OK");
    await within(5_000, "the body to be cancelled", cancelled.promise);
  });
});
