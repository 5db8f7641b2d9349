// A handler on Request and Response as one for Node's `http`. Types name what is used of Node, and nothing is imported.

import { background } from "../lib/background.ts";
import { createDeferred } from "../lib/deferred.ts";

/** What is used of an `http.IncomingMessage`. */
export interface NodeRequest {
  method?: string | undefined;
  url?: string | undefined;
  rawHeaders: string[];
  headers: { host?: string | undefined };
  on(event: string, listener: (value?: unknown) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** What is used of an `http.ServerResponse`. */
export interface NodeResponse {
  readonly headersSent: boolean;
  readonly socket?: { destroySoon?: () => void } | null;
  statusCode: number;
  statusMessage: string;
  setHeader(name: string, value: string | string[]): unknown;
  flushHeaders(): void;
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  on(event: string, listener: () => void): unknown;
  once(event: string, listener: () => void): unknown;
}

/** Where trouble of a handler goes. */
export interface NodeHandlerOptions {
  /** Told what the handler threw, or what broke a body off. @defaultValue console.error */
  onError?: (error: unknown) => void;
}

/** What `http.createServer` takes. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

/**
 * Serves a handler with `http.createServer(toNodeHandler(handler))`. A slow client is waited for; where one leaves, the
 * request's signal aborts and the body is cancelled. A handler that throws answers 500; after the first byte, the
 * connection is cut.
 *
 * @param handler - answers a request.
 * @param options - where trouble goes.
 * @example
 * createServer(toNodeHandler(handler)).listen(3000);
 */
export function toNodeHandler(
  handler: (request: Request) => Response | Promise<Response>,
  { onError = (error) => console.error(error) }: NodeHandlerOptions = {},
): NodeHandler {
  return (incoming, outgoing) => {
    const left = new AbortController();
    // After a whole answer too, when nobody listens any more.
    outgoing.on("close", () => left.abort());
    background(answer({ handler, incoming, outgoing, signal: left.signal }), (error) => {
      // A client that left is no fault.
      if (left.signal.aborted) return;
      onError(error);
      refuse(outgoing);
    });
  };
}

interface Exchange {
  handler: (request: Request) => Response | Promise<Response>;
  incoming: NodeRequest;
  outgoing: NodeResponse;
  /** Aborted once the connection is closed. */
  signal: AbortSignal;
}

async function answer({ handler, incoming, outgoing, signal }: Exchange): Promise<void> {
  const response = await handler(toRequest(incoming, signal));
  const reader = response.body?.getReader();
  if (signal.aborted) return reader?.cancel();
  outgoing.statusCode = response.status;
  if (response.statusText !== "") outgoing.statusMessage = response.statusText;
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (!reader) return void outgoing.end();
  // The reader learns that it is served before the first text comes.
  outgoing.flushHeaders();
  await send(reader, { outgoing, signal });
}

async function send(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { outgoing, signal }: Pick<Exchange, "outgoing" | "signal">,
): Promise<void> {
  // Its answer is of no use to a connection that is gone; its failure is the body's own affair.
  signal.addEventListener("abort", () => background(reader.cancel(), () => undefined));
  for (;;) {
    const { done, value } = await reader.read();
    if (signal.aborted) return;
    if (done) return void outgoing.end();
    if (!outgoing.write(value)) await drained(outgoing, signal);
  }
}

function drained(outgoing: NodeResponse, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = createDeferred<void>();
  const proceed = (): void => {
    signal.removeEventListener("abort", proceed);
    resolve();
  };
  outgoing.once("drain", proceed);
  signal.addEventListener("abort", proceed);
  return promise;
}

/** Before the headers are out, an error is an answer; after that, only a broken connection can tell. */
function refuse(outgoing: NodeResponse): void {
  // Soon: what was written goes out first.
  if (outgoing.headersSent) {
    if (outgoing.socket?.destroySoon) outgoing.socket.destroySoon();
    else outgoing.destroy();
    return;
  }
  outgoing.statusCode = 500;
  outgoing.end();
}

function toRequest(incoming: NodeRequest, signal: AbortSignal): Request {
  const headers = new Headers();
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    const name = incoming.rawHeaders[index] ?? "";
    // HTTP/2's own, which are no headers.
    if (!name.startsWith(":")) headers.append(name, incoming.rawHeaders[index + 1] ?? "");
  }
  const method = incoming.method ?? "GET";
  const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host ?? "localhost"}`);
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers, signal });
  const init = { method, headers, signal, body: toBody(incoming), duplex: "half" };
  return new Request(url, init);
}

function toBody(incoming: NodeRequest): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        incoming.on("data", (bytes) => {
          if (isOver || !(bytes instanceof Uint8Array)) return;
          controller.enqueue(bytes);
          incoming.pause();
        });
        incoming.on("end", () => {
          if (!isOver) controller.close();
          isOver = true;
        });
        incoming.on("error", (error) => {
          if (!isOver) controller.error(error);
          isOver = true;
        });
        incoming.pause();
      },
      pull: () => void incoming.resume(),
      cancel: () => {
        isOver = true;
        incoming.resume();
      },
    },
    { highWaterMark: 0 },
  );
}
