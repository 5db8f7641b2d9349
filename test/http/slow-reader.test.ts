// Readers on real connections that take nothing, beside others that do.

import { once } from "node:events";
import { createServer, type IncomingMessage, request as openRequest, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type NodeHandlerOptions, streamResponse, toNodeHandler } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { until, within } from "../support/wait.ts";

const events = Array.from({ length: 1_000 }, (_, n) => `data: ${String(n).padStart(56, "token ")}\n\n`).join(
  "",
);
/** 64 MB: more than the sockets of one connection hold. */
const ROUNDS = 1_000;

/** A stream behind a server: `/` gives it directly, and `/web` by web streams alone. */
async function scene(options: NodeHandlerOptions = {}) {
  const context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  const source = manualSource();
  await (await context.createNewResumableStream("a", source.makeStream))?.cancel();
  const handler = toNodeHandler(
    async ({ url }) => {
      const response = streamResponse(await context.resumeExistingStream("a"));
      // A body of the app's own is one that isn't ours.
      const own = new TransformStream<Uint8Array, Uint8Array>();
      return url.endsWith("/web") ? new Response(response.body?.pipeThrough(own)) : response;
    },
    { onError: () => undefined, ...options },
  );
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    responses.push(response);
    void handler(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await context.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const open = async (path = "/") => {
    const asked = openRequest(url + path).end();
    asked.on("error", () => undefined);
    const [incoming] = (await once(asked, "response")) as [IncomingMessage];
    incoming.on("error", () => undefined);
    return incoming;
  };
  return { context, source, open, responses, server };
}

/** Takes all from now on. */
function reading(incoming: IncomingMessage) {
  let bytes = 0;
  let last = "";
  incoming.on("data", (piece: Buffer) => {
    bytes += piece.length;
    last = (last + piece.toString("latin1")).slice(-200);
  });
  return { bytes: () => bytes, last: () => last };
}

test("a reader that takes nothing is bounded and holds up nobody; once it takes again it gets every byte", async () => {
  const { source, open, responses } = await scene();
  const slow = await open();
  const fast = reading(await open());
  for (let round = 0; round < ROUNDS; round += 1) {
    source.push(events);
    if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  source.push("data: the last\n\n");
  await until(() => fast.last().includes("data: the last\n"), { what: "the fast reader", withinMs: 30_000 });
  // Two pages in bytes, and what the system's sockets hold isn't counted.
  expect(responses[0]?.writableLength).toBeLessThan(400_000);
  const late = reading(slow);
  await until(() => late.last().includes("data: the last\n"), { what: "the slow reader", withinMs: 30_000 });
  expect(late.bytes()).toBe(fast.bytes());
});

test.each(["/", "/web"])(
  "a reader that takes nothing for idleReaderMs is let go, and no other (%s)",
  async (path) => {
    const { source, open, responses } = await scene({ idleReaderMs: 200 });
    await open(path);
    const fast = reading(await open(path));
    for (let round = 0; round < ROUNDS; round += 1) {
      source.push(events);
      if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => responses[0]?.destroyed, { what: "the idle reader to be let go" });
    source.push("data: the last\n\n");
    await until(() => fast.last().includes("data: the last\n"), { what: "the other", withinMs: 30_000 });
    expect(responses[1]?.destroyed).toBe(false);
  },
);

test("idleReaderMs must be positive", () => {
  expect(() => toNodeHandler(() => new Response(), { idleReaderMs: 0 })).toThrow(/idleReaderMs must be/);
});

test("a server that closes all connections takes its readers away, and the stream goes on", async () => {
  const { context, source, open, responses, server } = await scene();
  const readers = await Promise.all([open(), open(), open()]);
  const closed = readers.map((reader) => new Promise((resolve) => reader.on("close", resolve)));
  server.closeAllConnections();
  await within(5_000, "the readers to be gone", Promise.all(closed));
  await until(() => responses.every(({ destroyed }) => destroyed), { what: "the responses to be closed" });
  source.push("data: a\n\n");
  const stream = await context.resumeExistingStream("a");
  source.end();
  expect(await new Response(streamResponse(stream).body).text()).toContain("data: a\n");
});
