// fetch, with a body that goes on where its connection stopped.

import { shared } from "../lib/shared.ts";
import { offsetOf } from "./answer.ts";
import { pastCache, systemPlatform, type Platform } from "./platform.ts";
import type { EndKind } from "./reconnect.ts";
import { Resumption } from "./resumption.ts";
import { firstAnswer, unlessAborted } from "./wait.ts";

export type { EndKind } from "./reconnect.ts";

/** What `fetch` takes, and how to go on. */
export interface ResumableFetchInit extends Omit<RequestInit, "headers"> {
  /** What `fetch` takes, or a function that makes it: asked at each attempt, so that a token may be a fresh one. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined;
  /**
   * Where the stream is resumed: a URL, which is given `?resumeAt=`, or a function that makes one of the offset, in UTF-16
   * code units, or of the position, which names the text too: `"1204.k3f9x2"`. A URL is resolved at the call. A function is
   * called at each attempt, which fails if it throws; its server's answers are believed without a `stream-offset`.
   * @defaultValue the first request's URL; if that isn't a GET, what its answer names in `content-location`
   */
  resumeUrl?: string | URL | ((offset: number, position: string) => string | URL);
  /**
   * A connection that brings nothing for this time, in milliseconds, not even a heartbeat, is replaced once a new one has
   * answered. Longer than the server's `heartbeatMs`; `Infinity`: never. @defaultValue 40000
   */
  stallTimeoutMs?: number;
  /** The body errors after this number of attempts in a row that came no further. @defaultValue 10 */
  maxAttempts?: number;
  /**
   * Called once at most, when the body's reader has taken the text that there was when the server was asked, and before it is
   * given what came since: a page shows the first at once, and animates the rest. If the connection breaks before, the text of
   * the next request counts. Called at once if there was none. Only events of `streamResponse` tell it. @defaultValue none
   */
  onCaughtUp?: (() => void) | undefined;
  /** Makes the requests. @defaultValue the platform's */
  fetch?: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
}

const ends = shared("fetched-ends.1", () => new WeakMap<Response, Promise<EndKind | undefined>>());

/**
 * Fetches a stream. Its body goes on over new connections, at the very character where the last one stopped, until the
 * stream has ended. Only an answer with status 200 is resumed. A first request by GET is made again after a network error
 * and after 408, 429 and 5xx, up to `maxAttempts` times; any other is made once.
 *
 * The body closes when the stream is done or stopped, and errors with a `ResumableFetchError` when it failed, was lost or
 * can't be had: look at the error's `code`.
 *
 * @param input - what `fetch` takes.
 * @param init - what `fetch` takes, and how to go on.
 * @returns the first answer; its body is the whole text.
 * @example
 * const response = await resumableFetch("/api/chat/1/stream");
 * const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
 * for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) show(read.value);
 *
 * @throws TypeError naming the argument that can't be used; and whatever `fetch` throws for the first request, or for the
 * URL to resume at.
 */
export function resumableFetch(
  input: string | URL | Request,
  init: ResumableFetchInit = {},
): Promise<Response> {
  return fetchOn(systemPlatform(), input, init);
}

/**
 * How the stream behind a response ended. Known at the latest when its body has closed or errored.
 *
 * @param response - what `resumableFetch` returned.
 * @returns undefined if the reader left first, or the end can't be known. Never rejects.
 * @throws TypeError if `resumableFetch` didn't return this response, or it has nothing to resume.
 */
export function endOf(response: Response): Promise<EndKind | undefined> {
  const end = ends.get(response);
  if (!end) throw new TypeError("response must be one of resumableFetch.");
  return end;
}

/** On any platform. */
export async function fetchOn(
  platform: Platform,
  input: string | URL | Request,
  init: ResumableFetchInit,
): Promise<Response> {
  const { resumeUrl, stallTimeoutMs = 40_000, maxAttempts = 10, onCaughtUp, ...rest } = init;
  const { fetch = platform.fetch, headers, ...given } = rest;
  const request = input instanceof Request ? input : undefined;
  // A Request stays as it is: any option would take its referrer.
  const options: RequestInit = { ...(!request && pastCache()), ...given };
  const method = (options.method ?? request?.method ?? "GET").toUpperCase();
  positive("stallTimeoutMs", stallTimeoutMs);
  positive("maxAttempts", maxAttempts);
  // At once: by the time of a cut the page may be elsewhere, and a mistake would have no caller to tell.
  const first = absolute(input);
  const isNamed = resumeUrl === undefined && method !== "GET";
  const place = isNamed || typeof resumeUrl === "function" ? undefined : absolute(resumeUrl ?? first);
  const signal = options.signal ?? request?.signal;

  // Each time: a function's are fresh ones, and the caller's own object may have others by now.
  const withHeaders = async (): Promise<RequestInit> =>
    headers
      ? {
          ...options,
          headers: typeof headers === "function" ? await unlessAborted(headers(), signal) : headers,
        }
      : options;
  // An argument that no request can be made of is told at once, and so is a function of headers that throws.
  let prepared: RequestInit | undefined = await withHeaders();
  if (method === "GET") new Request(first, prepared);
  const response = await firstAnswer(platform, {
    ask: async () => {
      const using = prepared ?? (await withHeaders());
      prepared = undefined;
      return fetch(input, using);
    },
    maxAttempts: method === "GET" ? maxAttempts : 0,
    signal,
  });
  if (response.status !== 200 || !response.body) return response;

  const target =
    typeof resumeUrl === "function" ? resumeUrl : resumeAt(place ?? (await placeOf(response, first)));
  const begun = response.headers.get("stream-offset") ?? (first.searchParams.get("resumeAt") || "0");
  const { body, ended } = new Resumption({
    platform,
    response,
    // Two values that a proxy has joined, say, are no start of 0: no answer goes on from there.
    position: /^\d+(\.\w+)?$/.test(begun) ? begun : "",
    // Async: a function of the caller's that throws is an attempt that failed.
    request: async (position, resumeSignal) =>
      fetch(target(offsetOf(position), position), {
        ...resumeInit(await withHeaders(), request),
        signal: resumeSignal,
      }),
    isTrusted: typeof resumeUrl === "function",
    signal,
    stallTimeoutMs,
    maxAttempts,
    onCaughtUp,
  });
  const resumable = new Response(body, response);
  Object.defineProperty(resumable, "url", { value: response.url });
  ends.set(resumable, ended);
  return resumable;
}

/** Settings of a `Request` that its resumes share. */
const KEPT = ["cache", "credentials", "keepalive", "mode", "redirect", "referrer", "referrerPolicy"] as const;
/** Headers that are about the first request's own body, or about another part of the text than the rest. */
const dropped = /^(content-|if-|range$|last-event-id$)/;

/** The first request's settings, as far as a GET for the rest takes them. */
function resumeInit(options: RequestInit, request: Request | undefined): RequestInit {
  const given = new Headers(options.headers ?? request?.headers);
  const headers = [...given].filter(([name]) => !dropped.test(name));
  return {
    ...(request && Object.fromEntries(KEPT.map((name) => [name, request[name]]))),
    ...options,
    // It is of the whole body.
    integrity: "",
    body: null,
    method: "GET",
    headers,
  };
}

/** Where the answer to a request that isn't a GET can be read again, as it says itself. */
async function placeOf({ body, headers, url }: Response, first: URL): Promise<URL> {
  const named = headers.get("content-location");
  const place = named === null ? undefined : new URL(named, url || first);
  // The first request's headers go there, too, also those that a redirect to another origin loses.
  if (place?.origin === first.origin) return place;
  await body?.cancel();
  throw new TypeError(
    "resumeUrl must be given, or named by the answer in content-location, of the first URL's origin.",
  );
}

function resumeAt(url: URL): (offset: number, position: string) => URL {
  // As it was written: searchParams would write all of it anew, `+` for `%20`, and servers differ on that.
  const query = url.search.slice(1).split("&");
  const others = query.filter((part) => part && !part.startsWith("resumeAt="));
  return (_offset, position) => {
    url.search = [...others, `resumeAt=${encodeURIComponent(position)}`].join("&");
    return url;
  };
}

/** As `fetch` takes it: a page's base isn't always its location, and a worker has only that. */
function absolute(url: string | URL | Request): URL {
  return new URL(
    url instanceof Request ? url.url : url,
    globalThis.document?.baseURI ?? globalThis.location?.href,
  );
}

function positive(name: string, value: unknown): void {
  if (typeof value === "number" && value > 0) return;
  throw new TypeError(`${name} must be positive, got ${String(value)}.`);
}
