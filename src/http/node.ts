// A handler on Request and Response as one for Node's `http`. Types name what is used of Node, and nothing is imported.

import { background } from "../lib/background.ts";
import { createDeferred } from "../lib/deferred.ts";

/** What is used of an `http.IncomingMessage`. */
export interface NodeRequest {
  method?: string | undefined;
  url?: string | undefined;
  rawHeaders: string[];
  headers: { host?: string | undefined };
  /** HTTP/2's, in place of the header `host`. */
  readonly authority?: string;
  on(event: string, listener: (value?: unknown) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** What is used of an `http.ServerResponse`. */
export interface NodeResponse {
  readonly headersSent: boolean;
  readonly socket?: { destroySoon?: () => void } | null;
  /** HTTP/2's alone, of which a connection has many. */
  readonly stream?: {
    write(bytes: Uint8Array, onWritten: () => void): unknown;
    close(code: number): void;
  };
  statusCode: number;
  statusMessage: string;
  setHeader(name: string, value: string | string[]): unknown;
  /** Both have it; the types of HTTP/2's don't say so. */
  flushHeaders?(): void;
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
  const request = toRequest(incoming, signal);
  if (!request) {
    outgoing.statusCode = 400;
    return void outgoing.end();
  }
  const response = await handler(request);
  const reader = response.body?.getReader();
  if (signal.aborted) return reader?.cancel();
  outgoing.statusCode = response.status;
  if (response.statusText !== "") outgoing.statusMessage = response.statusText;
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (!reader || incoming.method === "HEAD") {
    outgoing.end();
    // What nobody gets holds nothing; its failure is the body's own affair.
    if (reader) background(reader.cancel(), () => undefined);
    return;
  }
  // The reader learns that it is served before the first text comes.
  outgoing.flushHeaders?.();
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

/** RFC 9113, section 7. */
const INTERNAL_ERROR = 2;

/** Before the headers are out, an error is an answer; after that, only what breaks off can tell. */
function refuse(outgoing: NodeResponse): void {
  const { stream, socket } = outgoing;
  if (!outgoing.headersSent) {
    outgoing.statusCode = 500;
    outgoing.end();
  } else if (stream) {
    // Not the socket, which carries others' answers. What was written goes out first.
    stream.write(new Uint8Array(), () => stream.close(INTERNAL_ERROR));
  } else if (socket?.destroySoon) {
    // Soon: the same.
    socket.destroySoon();
  } else {
    outgoing.destroy();
  }
}

/** Undefined where a client wrote what no Request can say: a `Host` that is none, or the method TRACE. */
function toRequest(incoming: NodeRequest, signal: AbortSignal): Request | undefined {
  const { method = "GET", rawHeaders } = incoming;
  try {
    const headers = new Headers();
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? "";
      // HTTP/2's own, which are no headers.
      if (!name.startsWith(":")) headers.append(name, rawHeaders[index + 1] ?? "");
    }
    const init = { method, headers, signal };
    const url = urlOf(incoming);
    if (method === "GET" || method === "HEAD") return new Request(url, init);
    return new Request(url, Object.assign(init, { body: toBody(incoming), duplex: "half" }));
  } catch {
    return undefined;
  }
}

/** Throws a TypeError where `Host` is none. */
function urlOf({ url: target = "/", headers, authority }: NodeRequest): URL {
  const { href, origin } = new URL(`http://${headers.host || authority || "localhost"}`);
  // What else stands in it, such as "?", would make another path of the target's.
  if (href !== `${origin}/`) throw new TypeError("Host must be a host.");
  // Put together: as a relative URL, a path that begins with two slashes would name a host.
  return new URL(target.startsWith("/") ? origin + target : target, origin);
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
