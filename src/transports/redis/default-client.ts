// Clients made from the environment, on first use, so that an entry loads no client library that isn't used.

import type { RedisConnection } from "./redis-connection.ts";

/** A package that makes clients. Each has a file of its own, so that a bundler looks only for what an entry uses. */
export interface ClientLibrary {
  readonly name: "redis" | "ioredis";
  /** Makes a client, from the package that it loads then. */
  readonly open: (url: string) => Promise<RedisConnection>;
}

/** After an outage a producer has to be back before its followers give it up. */
const MAX_RECONNECT_DELAY_MS = 500;

export function redisUrl(): string | undefined {
  const { process } = globalThis as { process?: { env: Record<string, string | undefined> } };
  return process?.env["REDIS_URL"]?.trim() || process?.env["KV_URL"]?.trim() || undefined;
}

export function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS);
}

export function openDefaultClient({ open }: ClientLibrary): Promise<RedisConnection> {
  const url = redisUrl();
  return url === undefined ? Promise.reject(missingUrl()) : open(url);
}

export function missingUrl(): TypeError {
  return new TypeError(
    "No Redis to connect to: set REDIS_URL (or KV_URL), or pass publisher and subscriber to createResumableStreamContext.",
  );
}

/**
 * Of a URL of one server, when a context is made: apps take that for "no Redis here", as for a template's `REDIS_URL=****`. A
 * client's own error would come with the first call, and carry the password. ioredis takes a host, a port or a path, too.
 */
export function checkUrl(url: string, library: ClientLibrary["name"]): void {
  if (/^rediss?:/i.test(url)) {
    if (URL.canParse(url)) return;
    throw new TypeError("REDIS_URL (or KV_URL) is no URL: percent-encode its user and password.");
  }
  if (library === "ioredis" && !/^(?!unix:)[\w+.-]+:\/\/[^/]|[\s<>"]/i.test(url)) return;
  throw new TypeError(
    "REDIS_URL (or KV_URL) must begin with redis:// or rediss://. A REST API's address doesn't serve.",
  );
}

export async function importing<T>(loading: Promise<T>, name: ClientLibrary["name"]): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    throw new TypeError(
      `Cannot load the "${name}" package: run "npm install ${name}", or pass publisher and subscriber to createResumableStreamContext.`,
      { cause },
    );
  }
}
