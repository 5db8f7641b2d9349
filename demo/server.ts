// A small HTTP server: GET /streams/ID?resumeAt=N answers with the stream's text from N on, as server-sent events.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { ResumableStreamContext } from "resumable-stream";
import { makeSource } from "./text.ts";

export interface DemoServer {
  /** Without a slash at its end. */
  url: string;
  close: () => Promise<void>;
}

/** Answers in web-standard terms, as a route handler of any framework would. */
export function streamHandler(
  context: ResumableStreamContext,
  options: { wordDelayMs: number },
): (request: Request) => Promise<Response> {
  return async (request) => {
    const url = new URL(request.url);
    const [, folder, streamId] = url.pathname.split("/");
    if (request.method !== "GET" || folder !== "streams" || !streamId)
      return new Response(null, { status: 404 });

    const offset = Number(url.searchParams.get("resumeAt") ?? 0);
    if (!Number.isSafeInteger(offset) || offset < 0)
      return new Response("resumeAt: not a count\n", { status: 400 });

    const stream = await context.resumableStream(
      decodeURIComponent(streamId),
      ({ signal }) => makeSource({ ...options, signal }),
      offset,
    );
    // 204 is how an EventSource is told not to come back.
    if (!stream) return new Response(null, { status: 204 });
    return new Response(stream.pipeThrough(new TextEncoderStream()), {
      headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
    });
  };
}

/** Serves a handler on a free port of this machine. */
export async function serve(handler: (request: Request) => Promise<Response>): Promise<DemoServer> {
  const server = createServer((request, response) => {
    answer(handler, request, response).catch((error: unknown) => response.destroy(asError(error)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host ?? "localhost"}`);
  const response = await handler(new Request(url, { method: incoming.method ?? "GET" }));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.flushHeaders();
  if (!response.body) {
    outgoing.end();
    return;
  }
  try {
    await pipeline(response.body, outgoing);
  } catch (error) {
    // A reader that left is no fault of the server's: the stream goes on without it.
    if (!incoming.destroyed && !outgoing.destroyed) throw error;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
