// Node's request as a `Request`, also where something before us has read its body.

import { restoredBody } from "./parsed-body.ts";

/** Of an `http.IncomingMessage`: lower-case names, and several values of one as Node puts them together. */
export interface NodeHeaders {
  readonly [name: string]: string | string[] | undefined;
  host?: string | undefined;
}

/** What is used of an `http.IncomingMessage`, and of what frameworks add to one. */
export interface NodeRequest {
  method?: string | undefined;
  url?: string | undefined;
  /** Express', Connect's and h3's: the whole path, where `url` has lost the part that the router is mounted at. */
  originalUrl?: string | undefined;
  /** As middleware left them. */
  headers: NodeHeaders;
  httpVersion?: string;
  readonly socket?: object | null;
  /** HTTP/2's, in place of the header `host`. */
  readonly authority?: string;
  /** What a router has found in the path. */
  params?: unknown;
  /** What a body parser has made. */
  body?: unknown;
  /** What a body parser has read: function platforms keep it, and Nest if it is told to. */
  rawBody?: unknown;
  /** Somebody has read from it. */
  readonly readableDidRead?: boolean;
  readonly readableEnded?: boolean;
  on(event: string, listener: (value?: unknown) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** Undefined if a client wrote what no Request can say: a `Host` that is none, or the method TRACE. */
export function toRequest(incoming: NodeRequest, signal: AbortSignal): Request | undefined {
  const { method = "GET" } = incoming;
  // Not in the `try`: a header that no Request can have comes from middleware, and the client isn't to blame.
  const headers = headersOf(incoming);
  try {
    const init = { method, headers, signal };
    const url = urlOf(incoming);
    if (method === "GET" || method === "HEAD") return new Request(url, init);
    return new Request(url, Object.assign(init, { body: bodyOf(incoming, headers), duplex: "half" }));
  } catch {
    return undefined;
  }
}

/** Not the raw ones: middleware may have taken one away that a client forged, and function platforms make requests without. */
function headersOf({ headers }: NodeRequest): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    // HTTP/2's own, which are no headers.
    if (value === undefined || name.startsWith(":")) continue;
    for (const one of Array.isArray(value) ? value : [value]) all.append(name, one);
  }
  return all;
}

/** Throws a TypeError where `Host` is none. */
function urlOf({ url = "/", originalUrl: target = url, headers, authority, socket }: NodeRequest): URL {
  // A header of a proxy that ends TLS can be forged: the app knows whether to believe it.
  const isSecure = socket ? Reflect.get(socket, "encrypted") === true : false;
  const scheme = isSecure ? "https" : "http";
  const { href, origin } = new URL(`${scheme}://${headers.host || authority || "localhost"}`);
  // Any other character in it, such as "?", would make another path of the target's.
  if (href !== `${origin}/`) throw new TypeError("Host must be a host.");
  // Put together: as a relative URL, a path that begins with two slashes would name a host.
  return new URL(target.startsWith("/") ? origin + target : target, origin);
}

/** h3 1 keeps here what its own `readBody` has read: a promise of the bytes that travelled. */
const H3_BODY = Symbol.for("h3RawBody");

/** The connection's bytes if nobody has read them, else what the reader left. */
function bodyOf(incoming: NodeRequest, headers: Headers): ReadableStream<Uint8Array> {
  if (!incoming.readableDidRead && !incoming.readableEnded) return unreadBody(incoming);
  const asItCame: unknown = Reflect.get(incoming, H3_BODY);
  if (asItCame !== undefined) return restoredBody({ rawBody: asItCame });
  // A parser of JSON makes {} of nothing.
  const isEmpty = headers.get("content-length") === "0";
  // Both were said of the bytes that travelled.
  const type = headers.get("content-type") ?? "";
  headers.delete("content-encoding");
  headers.delete("content-length");
  const { body, rawBody } = incoming;
  return restoredBody(isEmpty ? { body: "", rawBody: "", type } : { body, rawBody, type });
}

function unreadBody(incoming: NodeRequest): ReadableStream<Uint8Array> {
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
