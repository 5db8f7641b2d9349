// Behind nginx as it comes, which speaks HTTP/1.0 to its upstreams: there a body that broke off looks whole.

import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { endOf, resumableFetch, ResumableFetchError } from "../../src/client.ts";
import { createResumeHandlers, streamResponse, toNodeHandler } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import type { Reading } from "../../src/testing/reading.ts";
import { freePort } from "../support/free-port.ts";
import { Nginx } from "../support/nginx.ts";
import { until } from "../support/wait.ts";
import { readText } from "./reader.ts";

async function openScene(format: "events" | "text") {
  const context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  const source = manualSource();
  const { GET } = createResumeHandlers(context, { streamId: () => "a", authorize: () => true, format });
  const asked: string[] = [];
  const protocols = new Set<string>();
  const handler = toNodeHandler(
    async (request) => {
      asked.push(`${request.method} ${new URL(request.url).search}`);
      if (request.method === "GET") return GET(request);
      const stream = await context.createNewResumableStream("a", source.makeStream);
      return streamResponse(stream ?? new ReadableStream(), { format });
    },
    { onError: () => undefined },
  );
  const server: Server = createServer((request, response) => {
    protocols.add(request.httpVersion);
    void handler(request, response);
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const nginx = await Nginx.start(port);
  asked.length = 0;
  const response = await resumableFetch(nginx.url, { method: "POST", resumeUrl: nginx.url });
  const reading = readText(response);
  source.push("data: half\n\n");
  await until(() => reading.text().includes("half"), { what: "the first text" });
  return {
    context,
    source,
    server,
    response,
    reading,
    asked,
    protocols,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
      await context.close();
    },
  };
}

async function codeOf(reading: Reading): Promise<string> {
  const end = await reading.ended;
  return end.kind === "errored" && end.error instanceof ResumableFetchError ? end.error.code : end.kind;
}

describe.each(["events", "text"] as const)("%s", (format) => {
  test("whose server closes its connections go on, to their end", async () => {
    await using scene = await openScene(format);
    const { server, source, reading, response, asked, protocols } = scene;
    server.closeAllConnections();
    await until(() => asked.length === 2, { what: "a resume" });
    source.push("data: rest\n\n");
    await until(() => reading.text().includes("rest"), { what: "the rest" });
    source.end();
    expect(await codeOf(reading)).toBe("closed");
    expect(await endOf(response)).toBe("done");
    expect(reading.text().replace(/id: .*\n/g, "")).toBe("data: half\n\ndata: rest\n\n");
    expect([...protocols]).toEqual(["1.0"]);
  });

  test("whose producer dies are no whole text", async () => {
    await using scene = await openScene(format);
    const { context, server, source, reading } = scene;
    source.fail(new Error("overloaded"));
    await until(async () => (await context.hasExistingStream("a")) === null, { what: "its end" });
    server.closeAllConnections();
    expect(await codeOf(reading)).toMatch(/^(PRODUCER_LOST|SOURCE_FAILED)$/);
    expect(reading.text()).not.toContain("rest");
  });
});
