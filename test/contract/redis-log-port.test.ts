// What is asked of a transport's port, and of contexts while it fails, over the log in Redis.

import { Redis } from "ioredis";
import { createClient } from "redis";
import { describe, inject, test } from "vitest";
import { checkOptions } from "../../src/api/options.ts";
import { checkLogOptions, connectLog, createRedisLogTransport } from "../../src/contexts/redis-log.ts";
import { describePort } from "../../src/testing/transport/describe.ts";
import type { Transport } from "../../src/port/transport.ts";
import { TcpProxy } from "../support/proxy.ts";

/** More processes than any test cuts. */
const PROXIES = 4;

/** How long a connection may leave a command unanswered: a client that waits for ever is no client for this. */
const SILENT_MS = 1_500;

interface Clients {
  publisher: object;
  subscriber: object;
  close: () => void;
}

function ioredisClients(url: string): Clients {
  const [publisher, subscriber] = [1, 2].map(() => {
    const client = new Redis(url, { socketTimeout: SILENT_MS, retryStrategy: () => 50 });
    return client.on("error", () => undefined);
  }) as [Redis, Redis];
  return { publisher, subscriber, close: () => [publisher, subscriber].forEach((each) => each.disconnect()) };
}

function nodeRedisClients(url: string): Clients {
  const [publisher, subscriber] = [1, 2].map(() => {
    // It counts the time without any traffic, its own pings included.
    const socket = { socketTimeout: SILENT_MS, reconnectStrategy: () => 50 } as const;
    const client = createClient({ url, socket });
    return client.on("error", () => undefined);
  });
  const close = (): void => {
    for (const client of [publisher, subscriber]) if (client?.isOpen) client.destroy();
  };
  return { publisher: publisher as object, subscriber: subscriber as object, close };
}

interface Process {
  close: () => void;
  proxy: TcpProxy | undefined;
}

describe.each([
  ["ioredis", ioredisClients],
  ["node-redis", nodeRedisClients],
] as const)("redis that keeps the text, by its port: %s", (_name, createClients) => {
  describePort(
    async () => {
      const url = inject("redisUrl");
      const starting = Array.from({ length: PROXIES }, () => TcpProxy.start(Number(new URL(url).port)));
      const proxies = await Promise.all(starting);
      const processes = new Map<Transport, Process>();
      return {
        createTransport: (settings) => {
          const options = { ...settings, waitUntil: null };
          const proxied = new URL(url);
          const proxy = proxies[processes.size];
          if (proxy) proxied.port = String(proxy.port);
          const { publisher, subscriber, close } = createClients(proxied.href);
          const transport = createRedisLogTransport({
            checked: checkOptions(options),
            // A write over a connection that went silent is repeated after its deadline, which has to be in time.
            settings: checkLogOptions({ leaseMs: 2 * settings.ackTimeoutMs }),
            connection: connectLog({ publisher, subscriber }),
          });
          processes.set(transport, { close, proxy });
          return transport;
        },
        kill: (transport) => processes.get(transport)?.close(),
        cut: (transport, losing) => {
          const { proxy } = processes.get(transport) ?? {};
          if (!proxy) throw new Error(`Only the first ${PROXIES} processes of a test can be cut off.`);
          proxy.blackHole(losing);
          return () => proxy.forget();
        },
        dispose: async () => {
          for (const { close } of processes.values()) close();
          await Promise.all(proxies.map((proxy) => proxy.stop()));
        },
      };
    },
    { runner: { describe: describe.concurrent, test }, seed: 1 },
  );
});
