// A handler on Request and Response as one for Node's `http`. Types name what is used of Node, and nothing is imported.

import { positive } from "../api/options.ts";
import { attempt, background } from "../lib/background.ts";
import { type Cancel, systemClock } from "../lib/clock.ts";
import { createDeferred } from "../lib/deferred.ts";
import { sendDirectly } from "./direct-body.ts";
import { type NodeRequest, toRequest } from "./node-request.ts";

/** What is used of an `http.ServerResponse`. */
export interface NodeResponse {
  readonly headersSent: boolean;
  readonly destroyed?: boolean;
  readonly socket?: { destroySoon?: () => void; resetAndDestroy?: () => void } | null;
  /** HTTP/2's alone, of which a connection has many. */
  readonly stream?: {
    write(bytes: Uint8Array, onWritten: () => void): unknown;
    close(code: number): void;
  };
  statusCode: number;
  statusMessage: string;
  getHeader(name: string): number | string | string[] | undefined;
  setHeader(name: string, value: string | string[]): unknown;
  /** Both have it; the types of HTTP/2's don't say so. */
  flushHeaders?(): void;
  write(bytes: Uint8Array, onWritten?: () => void): boolean;
  end(): unknown;
  destroy(): unknown;
  on(event: string, listener: () => void): unknown;
  once(event: string, listener: () => void): unknown;
}

/** Told of a handler's trouble. */
export interface NodeHandlerOptions {
  /**
   * Told what the handler threw, or what broke a body off; of a source's failure once, however many read it.
   * @defaultValue prints it by `console.error`
   */
  onError?: (error: unknown) => void;
  /**
   * A client that takes nothing of what was written for it within this time, in milliseconds, is let go: its connection is cut,
   * and what is held for it is free. @defaultValue it is waited for as long as it stays connected
   */
  idleReaderMs?: number;
}

/** What a handler gets besides the request, in the form of Next.js' second argument. */
export interface NodeHandlerContext {
  /** What the router has found in the path: Express' `/chat/:id` gives `{ id }`. */
  params: Record<string, string>;
  /** Node's own request, with what the app's middleware put there: a user, a session. */
  incoming: NodeRequest;
}

/** What `http.createServer` takes. Settles once the answer is out or its reader has left, and never rejects. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => Promise<void>;

/**
 * Serves a handler with `http.createServer(toNodeHandler(handler))`, or as a route of Express, Nest, h3 or Next.js'
 * `pages/api`, whose body parsers may have run before. A slow client is waited for; if one leaves, the request's signal
 * aborts and the body is cancelled. A handler that throws answers 500; after the first byte, the connection is cut.
 *
 * @param handler - answers a request. Its second argument has the router's `params`.
 * @param options - where trouble goes.
 * @example
 * createServer(toNodeHandler(handler)).listen(3000);
 *
 * @example
 * app.all("/chat/:id", toNodeHandler((request, { params }) => answer(request, params.id)));
 */
export function toNodeHandler(
  handler: (request: Request, context: NodeHandlerContext) => Response | Promise<Response>,
  { onError = print, idleReaderMs }: NodeHandlerOptions = {},
): NodeHandler {
  positive("idleReaderMs", idleReaderMs, 1);
  return (incoming, outgoing) => {
    const left = new AbortController();
    const { promise: closed, resolve } = createDeferred<void>();
    const onClosed = (): void => {
      left.abort();
      resolve();
    };
    // After a whole answer too, when nobody listens any more.
    outgoing.on("close", onClosed);
    // Middleware before us took its time, and the client left meanwhile.
    if (outgoing.destroyed) onClosed();
    const answered = answer({ handler, incoming, outgoing, idleReaderMs, signal: left.signal }).catch(
      (error: unknown) => {
        // A client that left is no fault.
        if (left.signal.aborted) return;
        if (isNews(error, onError))
          background(
            attempt(() => onError(error)),
            print,
          );
        refuse(incoming, outgoing);
      },
    );
    // A handler that waits for something else must not keep a framework that waits for it.
    return Promise.race([answered, closed]);
  };
}

const told = new WeakMap<(error: unknown) => void, WeakSet<object>>();

/** Whether `listener` hasn't been told of this error: each reader of a stream whose source fails gets the same. */
function isNews(error: unknown, listener: (error: unknown) => void): boolean {
  if (typeof error !== "object" || error === null) return true;
  const known = told.get(listener) ?? new WeakSet();
  told.set(listener, known);
  const isNew = !known.has(error);
  known.add(error);
  return isNew;
}

function print(error: unknown): void {
  console.error(error);
}

interface Exchange {
  handler: (request: Request, context: NodeHandlerContext) => Response | Promise<Response>;
  incoming: NodeRequest;
  outgoing: NodeResponse;
  idleReaderMs: number | undefined;
  /** Aborted once the connection is closed. */
  signal: AbortSignal;
}

/** Headers of which the values that middleware has set count, too. Each cookie is a header of its own. */
const besides = /^(vary|set-cookie|access-control-expose)/;

/** The body is sent without this call, which would hold the request and the response for as long as that takes. */
async function answer({ handler, incoming, outgoing, idleReaderMs, signal }: Exchange): Promise<void> {
  const request = toRequest(incoming, signal);
  if (!request) {
    outgoing.statusCode = 400;
    return void outgoing.end();
  }
  const { body, headers, status, statusText } = await handler(request, {
    params: paramsOf(incoming),
    incoming,
  });
  const reader = body?.getReader();
  if (signal.aborted) return reader?.cancel();
  outgoing.statusCode = status;
  if (statusText !== "") outgoing.statusMessage = statusText;
  for (const [name, value] of headers) {
    const before = besides.test(name) && outgoing.getHeader(name);
    outgoing.setHeader(name, before ? [before, value].flat().map(String) : value);
  }
  if (!body || !reader || incoming.method === "HEAD") {
    outgoing.end();
    // A body that nobody gets holds nothing. Its failure is its own affair.
    if (reader) background(reader.cancel(), () => undefined);
    return;
  }
  // The reader learns that it is served before the first text comes.
  outgoing.flushHeaders?.();
  const sink = sinkOf(outgoing, idleReaderMs);
  const direct = sendDirectly(body, { sink, signal, requestSignal: request.signal });
  return direct ?? send(reader, { sink, signal });
}

type Sink = Pick<NodeResponse, "write" | "end" | "on" | "once">;

/** The same response, whose connection is cut once what was written to it has waited for `idleReaderMs`, if that is given. */
function sinkOf(outgoing: NodeResponse, idleReaderMs: number | undefined): Sink {
  /** Absent while the client takes what there is. */
  let cancel: Cancel | undefined;
  const rest = (): void => {
    cancel?.();
    cancel = undefined;
  };
  outgoing.on("drain", rest);
  outgoing.on("close", rest);
  return {
    write: (bytes) => {
      // As Node's own pipes take it: a middleware's `write` may well answer nothing.
      const takesMore = (outgoing.write(bytes) as unknown) !== false;
      if (!takesMore && idleReaderMs !== undefined)
        cancel ??= systemClock.after(idleReaderMs, () => outgoing.destroy());
      return takesMore;
    },
    end: () => outgoing.end(),
    on: (event, listener) => outgoing.on(event, listener),
    once: (event, listener) => outgoing.once(event, listener),
  };
}

async function send(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { sink, signal }: { sink: Sink; signal: AbortSignal },
): Promise<void> {
  // Its answer is of no use to a connection that is gone; its failure is the body's own affair.
  signal.addEventListener("abort", () => background(reader.cancel(), () => undefined));
  for (;;) {
    const { done, value } = await reader.read();
    if (signal.aborted) return;
    if (done) return void sink.end();
    if (!sink.write(value)) await drained(sink, signal);
  }
}

function drained(sink: Sink, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = createDeferred<void>();
  const proceed = (): void => {
    signal.removeEventListener("abort", proceed);
    resolve();
  };
  sink.once("drain", proceed);
  signal.addEventListener("abort", proceed);
  return promise;
}

/** RFC 9113, section 7. */
const INTERNAL_ERROR = 2;

function paramsOf({ params }: NodeRequest): Record<string, string> {
  return typeof params === "object" && params !== null ? (params as Record<string, string>) : {};
}

/** Before the headers are out, an error is an answer; after that, only what breaks off can tell. */
function refuse({ httpVersion }: NodeRequest, outgoing: NodeResponse): void {
  const { stream, socket } = outgoing;
  if (!outgoing.headersSent) {
    outgoing.statusCode = 500;
    outgoing.end();
  } else if (stream) {
    // Not the socket, which carries others' answers. What was written goes out first.
    stream.write(new Uint8Array(), () => stream.close(INTERNAL_ERROR));
  } else if (httpVersion === "1.0" && socket?.resetAndDestroy) {
    // There, a connection's close is the body's end: a reset alone breaks off. It waits, as an empty write comes last.
    outgoing.write(new Uint8Array(), () => reset(outgoing));
  } else if (socket?.destroySoon) {
    // `destroySoon` also sends what was written before it closes.
    socket.destroySoon();
  } else {
    outgoing.destroy();
  }
}

/** Only TCP has a reset: Node throws for a Unix socket and for TLS, whose readers have to ask whether they have all. */
function reset(outgoing: NodeResponse): void {
  try {
    outgoing.socket?.resetAndDestroy?.();
  } catch {
    outgoing.destroy();
  }
}
