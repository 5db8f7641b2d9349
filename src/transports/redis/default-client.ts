// Clients made from the environment, on first use, so that an entry loads no client library that isn't used.

import { ioredisConnection } from "./ioredis.ts";
import { nodeRedisConnection } from "./node-redis.ts";
import type { RedisConnection } from "./redis-connection.ts";

export type ClientLibrary = "redis" | "ioredis";

/** After an outage a producer has to be back before its followers give it up. */
const MAX_RECONNECT_DELAY_MS = 500;

export function redisUrl(): string | undefined {
  const { process } = globalThis as { process?: { env: Record<string, string | undefined> } };
  return process?.env["REDIS_URL"] || process?.env["KV_URL"] || undefined;
}

export async function openDefaultClient(library: ClientLibrary): Promise<RedisConnection> {
  const url = redisUrl();
  if (url === undefined) {
    throw new TypeError(
      "No Redis to connect to: set REDIS_URL (or KV_URL), or pass publisher and subscriber to createResumableStreamContext.",
    );
  }
  const delayMs = (attempt: number): number =>
    Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS);
  if (library === "ioredis") {
    const { Redis } = await importing(import("ioredis"), library);
    return ioredisConnection(new Redis(url, { retryStrategy: delayMs }));
  }
  const { createClient } = await importing(import("redis"), library);
  return nodeRedisConnection(createClient({ url, socket: { reconnectStrategy: delayMs } }));
}

async function importing<T>(loading: Promise<T>, library: ClientLibrary): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    throw new TypeError(
      `Cannot load the "${library}" package: run "npm install ${library}", or pass publisher and subscriber to createResumableStreamContext.`,
      { cause },
    );
  }
}

/** A connection that opens with its first use, and again where opening failed. */
export function lazyConnection(open: () => Promise<RedisConnection>): RedisConnection {
  type Listener = { kind: "reconnect" | "error"; call: (error: unknown) => void; stop: () => void };
  const listeners = new Set<Listener>();
  let opening: Promise<RedisConnection> | undefined;
  let opened: RedisConnection | undefined;
  let isDestroyed = false;

  const attach = (listener: Listener, connection: RedisConnection): void => {
    listener.stop =
      listener.kind === "error"
        ? connection.onError(listener.call)
        : connection.onReconnect(() => listener.call(undefined));
  };
  const add = (kind: Listener["kind"], call: Listener["call"]): (() => void) => {
    const listener: Listener = { kind, call, stop: () => undefined };
    listeners.add(listener);
    if (opened) attach(listener, opened);
    return () => {
      listeners.delete(listener);
      listener.stop();
    };
  };
  const openOnce = async (): Promise<RedisConnection> => {
    const connection = await open();
    opened = connection;
    // Without a listener an error event would end the process, also after everybody stopped listening.
    connection.onError(() => undefined);
    for (const listener of listeners) attach(listener, connection);
    if (isDestroyed) connection.destroy();
    return connection;
  };
  const connection = (): Promise<RedisConnection> => {
    opening ??= openOnce().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    command: async (words) => (opened ?? (await connection())).command(words),
    subscribe: async (channel, onMessage) => (opened ?? (await connection())).subscribe(channel, onMessage),
    unsubscribe: async (channel) => (opened ?? (await connection())).unsubscribe(channel),
    onReconnect: (listener) => add("reconnect", listener),
    onError: (listener) => add("error", listener),
    destroy: () => {
      isDestroyed = true;
      opened?.destroy();
    },
  };
}
