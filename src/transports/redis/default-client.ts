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
  return process?.env["REDIS_URL"] || process?.env["KV_URL"] || undefined;
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
