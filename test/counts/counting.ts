// What the tests of this folder share: one private Redis a file, contexts on it, and the difference between two counts.

import { once } from "node:events";
import { afterAll, afterEach, beforeAll } from "vitest";
import { createClient } from "redis";
import { Redis } from "ioredis";
import type { CommonOptions } from "../../src/api/common-options.ts";
import type { DurableStreamContext } from "../../src/api/types.ts";
import { createResumableStreamContext } from "../../src/redis.ts";
import { RedisServer } from "../support/redis-server.ts";

export type Counted = "redis-6" | "ioredis-6";

export interface PrivateRedis {
  server: () => RedisServer;
  /** Over clients that are connected, so that the handshake isn't counted. */
  createContext: (
    clients?: Counted,
    url?: string,
    options?: Partial<CommonOptions> & { keepText?: boolean },
  ) => Promise<DurableStreamContext>;
  /** Cuts a context's connections for good, as if its process had been killed. */
  silence: (context: DurableStreamContext) => void;
}

/** A Redis that nobody else sends commands to, for the file's lifetime. Contexts are closed after each test. */
export function usePrivateRedis(): PrivateRedis {
  let started: RedisServer | undefined;
  let closers: (() => Promise<void> | void)[] = [];
  const connections = new WeakMap<DurableStreamContext, () => void>();
  const server = (): RedisServer => {
    if (started === undefined) throw new Error("the server runs inside tests only");
    return started;
  };

  beforeAll(async () => {
    started = await RedisServer.start();
  });
  afterEach(async () => {
    // Contexts before the clients they use: the last opened first.
    for (const close of closers.toReversed()) await close();
    closers = [];
  });
  afterAll(async () => {
    await started?.stop();
  });

  return {
    server,
    async createContext(clients = "redis-6", url = server().url, options = {}) {
      const { publisher, subscriber, close } = await connected(clients, url);
      closers.push(close);
      const context = createResumableStreamContext({
        keepText: false,
        ...options,
        waitUntil: null,
        publisher,
        subscriber,
      });
      closers.push(() => context.close());
      connections.set(context, close);
      return context;
    },
    silence: (context) => connections.get(context)?.(),
  };
}

async function connected(clients: Counted, url: string) {
  if (clients === "redis-6") {
    const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
    await Promise.all([publisher.connect(), subscriber.connect()]);
    return {
      publisher,
      subscriber,
      close: () => [publisher, subscriber].forEach((client) => client.destroy()),
    };
  }
  const [publisher, subscriber] = [new Redis(url), new Redis(url)];
  await Promise.all([publisher, subscriber].map((client) => once(client, "ready")));
  return {
    publisher,
    subscriber,
    close: () => [publisher, subscriber].forEach((client) => client.disconnect()),
  };
}

/** Counts commands from here on, by the server's own counters. */
export async function countFrom(server: RedisServer): Promise<() => Promise<Record<string, number>>> {
  const before = await server.commandCounts();
  return async () => {
    const after = await server.commandCounts();
    const differences = Object.entries(after).map(
      ([command, calls]) => [command, calls - (before[command] ?? 0)] as const,
    );
    return Object.fromEntries(differences.filter(([, calls]) => calls > 0));
  };
}

export function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, calls) => total + calls, 0);
}

export interface Overheard {
  channel: string;
  bytes: number;
}

/** Every message published from here on. */
export async function overhear(server: RedisServer): Promise<{ messages: Overheard[]; close: () => void }> {
  const client = createClient({ url: server.url });
  await client.connect();
  const messages: Overheard[] = [];
  await client.pSubscribe("*", (message, channel) => {
    messages.push({ channel, bytes: Buffer.byteLength(message) });
  });
  return { messages, close: () => client.destroy() };
}
