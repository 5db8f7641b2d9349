// fetch, with a body that goes on where its connection stopped.

import { systemPlatform, type Platform } from "./platform.ts";
import { Resumption } from "./resumption.ts";
import type { End } from "./reconnect.ts";

export type { End } from "./reconnect.ts";

/** What `fetch` takes, and how to go on. */
export interface ResumableFetchInit extends RequestInit {
  /**
   * Where the stream is resumed: a URL, which is given `?resumeAt=`, or a function that makes one of the offset, in UTF-16
   * code units. A URL is resolved at the call. A function is called at each attempt, which fails where it throws. Required
   * where the first request isn't a GET. @defaultValue the first request's URL
   */
  resumeUrl?: string | URL | ((offset: number) => string | URL);
  /**
   * A connection that brings nothing for so many milliseconds, not even a heartbeat, is given up for a new one. Longer than
   * the server's `heartbeatMs`; `Infinity` is the longest that a timer takes, 24 days. @defaultValue 40000
   */
  stallTimeoutMs?: number;
  /** After so many attempts in a row that brought nothing, the body errors. @defaultValue 10 */
  maxAttempts?: number;
}

const ends = new WeakMap<Response, Promise<End | undefined>>();

/**
 * Fetches a stream. Its body goes on over new connections, at the very character where the last one stopped, until the
 * stream has ended. The first request is made once, as `fetch` makes it; only an answer with status 200 is resumed.
 *
 * The body closes where the stream is done or stopped, and errors with a `ResumableFetchError` where it failed, was lost or
 * can't be had: look at the error's `code`.
 *
 * @param input - what `fetch` takes.
 * @param init - what `fetch` takes, and how to go on.
 * @returns the first answer; its body is the whole text.
 * @example
 * const response = await resumableFetch("/api/chat/1/stream");
 * for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) show(text);
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
 * @returns undefined where the reader left first, or the end can't be known. Never rejects.
 * @throws TypeError where `resumableFetch` didn't return this response, or it has nothing to resume.
 */
export function endOf(response: Response): Promise<End | undefined> {
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
  const { resumeUrl, stallTimeoutMs = 40_000, maxAttempts = 10, ...options } = init;
  const request = input instanceof Request ? input : undefined;
  const method = (options.method ?? request?.method ?? "GET").toUpperCase();
  if (resumeUrl === undefined && method !== "GET") {
    throw new TypeError(`resumeUrl must be given with ${method}.`);
  }
  positive("stallTimeoutMs", stallTimeoutMs);
  positive("maxAttempts", maxAttempts);
  // At once: by the time of a cut the page may be elsewhere, and a mistake would have no caller to tell.
  const first = absolute(input);
  const target = typeof resumeUrl === "function" ? resumeUrl : resumeAt(absolute(resumeUrl ?? first));

  const response = await platform.fetch(input, options);
  if (response.status !== 200 || !response.body) return response;

  const kept = resumeInit(options, request);
  const { body, ended } = new Resumption({
    platform,
    response,
    offset: Number(response.headers.get("stream-offset") ?? first.searchParams.get("resumeAt")),
    // Async: a function of the caller's that throws is an attempt that failed.
    request: async (offset, resumeSignal) =>
      platform.fetch(target(offset), { ...kept, signal: resumeSignal }),
    signal: options.signal ?? request?.signal,
    stallTimeoutMs,
    maxAttempts,
  });
  const resumable = new Response(body, response);
  Object.defineProperty(resumable, "url", { value: response.url });
  ends.set(resumable, ended);
  return resumable;
}

/** The first request's settings, as far as a GET takes them. */
function resumeInit(options: RequestInit, request: Request | undefined): RequestInit {
  const headers = new Headers(options.headers ?? request?.headers);
  headers.delete("content-type");
  headers.delete("content-length");
  return {
    ...(request && { credentials: request.credentials, mode: request.mode }),
    ...options,
    body: null,
    method: "GET",
    headers,
  };
}

function resumeAt(url: URL): (offset: number) => URL {
  return (offset) => {
    url.searchParams.set("resumeAt", String(offset));
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
