// The Redis clients the library is used with, and the same clients behind the generic port.

import type { RedisClient } from "../../src/contexts/redis-options.ts";
import type { Publisher, Subscriber } from "../../src/transports/generic/clients.ts";

export type ClientKind = "redis-4" | "redis-5" | "redis-6" | "ioredis-5" | "ioredis-6";

/** Their clients for clusters. The URL lists nodes. */
export type ClusterClientKind = `${ClientKind}-cluster`;

/** The clients that every fault is tried with; the contract suite tries the older ones too. */
export const FAULT_CLIENTS: ClientKind[] = ["redis-6", "ioredis-6"];

export interface ClientPair {
  publisher: Publisher | RedisClient;
  subscriber: Subscriber | RedisClient;
  /** Cuts both connections. The library never does, since it didn't make these. */
  close: () => void;
}

/**
 * Two clients that aren't connected yet and have no error listener: both are the library's to see to.
 * Loads the one client asked for, since loading all five takes a worker process a second.
 */
export async function createClients(kind: ClientKind | ClusterClientKind, url: string): Promise<ClientPair> {
  switch (kind) {
    case "redis-4-cluster": {
      const { createCluster } = await import("redis-4");
      const rootNodes = url.split(",").map((node) => ({ url: node }));
      return pair(
        createCluster({ rootNodes }),
        createCluster({ rootNodes }),
        (client) => void (client.isOpen && client.disconnect()),
      );
    }
    case "redis-5-cluster": {
      const { createCluster } = await import("redis-5");
      const rootNodes = url.split(",").map((node) => ({ url: node }));
      return pair(
        createCluster({ rootNodes }),
        createCluster({ rootNodes }),
        (client) => void (client.isOpen && client.destroy()),
      );
    }
    case "redis-6-cluster": {
      const { createCluster } = await import("redis");
      const rootNodes = url.split(",").map((node) => ({ url: node }));
      return pair(
        createCluster({ rootNodes }),
        createCluster({ rootNodes }),
        (client) => void (client.isOpen && client.destroy()),
      );
    }
    case "ioredis-5-cluster": {
      const { Cluster } = await import("ioredis-5");
      const nodes = url.split(",");
      return pair(new Cluster(nodes), new Cluster(nodes), (client) => client.disconnect());
    }
    case "ioredis-6-cluster": {
      // One for both: it has a connection of its own for what it subscribes to.
      const { Cluster } = await import("ioredis");
      const cluster = new Cluster(url.split(","));
      return { publisher: cluster, subscriber: cluster, close: () => cluster.disconnect() };
    }
    case "redis-4": {
      const { createClient } = await import("redis-4");
      const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
      return pair(publisher, subscriber, (client) => void (client.isOpen && client.disconnect()));
    }
    case "redis-5": {
      const { createClient } = await import("redis-5");
      return pair(
        createClient({ url }),
        createClient({ url }),
        (client) => void (client.isOpen && client.destroy()),
      );
    }
    case "redis-6": {
      const { createClient } = await import("redis");
      return pair(
        createClient({ url }),
        createClient({ url }),
        (client) => void (client.isOpen && client.destroy()),
      );
    }
    case "ioredis-5": {
      const { Redis } = await import("ioredis-5");
      return pair(new Redis(url), new Redis(url), (client) => client.disconnect());
    }
    case "ioredis-6": {
      const { Redis } = await import("ioredis");
      return pair(new Redis(url), new Redis(url), (client) => client.disconnect());
    }
  }
}

function pair<Client extends ClientPair["publisher"] & ClientPair["subscriber"]>(
  publisher: Client,
  subscriber: Client,
  close: (client: Client) => void,
): ClientPair {
  return { publisher, subscriber, close: () => [publisher, subscriber].forEach(close) };
}

export interface GenericPair {
  publisher: Publisher;
  subscriber: Subscriber;
  close: () => void;
}

/** Plain objects with the documented methods over a connected node-redis 6 or ioredis 6. */
export async function createGenericPair(kind: "redis-6" | "ioredis-6", url: string): Promise<GenericPair> {
  return kind === "redis-6" ? genericRedis(url) : genericIoredis(url);
}

async function genericRedis(url: string): Promise<GenericPair> {
  const { createClient } = await import("redis");
  const [commands, channels] = [createClient({ url }), createClient({ url })];
  await Promise.all([commands.connect(), channels.connect()]);
  return {
    publisher: {
      connect: alreadyConnected,
      publish: (channel, message) => commands.publish(channel, message),
      set: (key, value, options) =>
        commands.set(
          key,
          value,
          options?.EX === undefined ? {} : { expiration: { type: "EX", value: options.EX } },
        ),
      get: (key) => commands.get(key),
      incr: (key) => commands.incr(key),
    },
    subscriber: {
      connect: alreadyConnected,
      subscribe: (channel, callback) => channels.subscribe(channel, callback),
      unsubscribe: (channel) => channels.unsubscribe(channel),
    },
    close: () => [commands, channels].forEach((client) => void (client.isOpen && client.destroy())),
  };
}

async function genericIoredis(url: string): Promise<GenericPair> {
  const { Redis } = await import("ioredis");
  const [commands, channels] = [new Redis(url), new Redis(url)];
  const callbacks = new Map<string, (message: string) => void>();
  channels.on("message", (channel, message) => callbacks.get(channel)?.(message));
  return {
    publisher: {
      connect: alreadyConnected,
      publish: (channel, message) => commands.publish(channel, message),
      set: (key, value, options) =>
        options?.EX === undefined ? commands.set(key, value) : commands.set(key, value, "EX", options.EX),
      get: (key) => commands.get(key),
      incr: (key) => commands.incr(key),
    },
    subscriber: {
      connect: alreadyConnected,
      subscribe: async (channel, callback) => {
        callbacks.set(channel, callback);
        await channels.subscribe(channel);
      },
      unsubscribe: async (channel) => {
        callbacks.delete(channel);
        await channels.unsubscribe(channel);
      },
    },
    close: () => [commands, channels].forEach((client) => client.disconnect()),
  };
}

async function alreadyConnected(): Promise<void> {
  // Part of the published port, and never called.
}
