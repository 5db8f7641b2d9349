// ioredis, major versions 5 and 6.

import { repeated } from "./cluster-answers.ts";
import {
  type Emitter,
  listen,
  listenForReconnect,
  type RedisConnection,
  withoutArguments,
} from "./redis-connection.ts";

/** The part of an ioredis instance, or of its Cluster, that we use. */
export interface IoredisClient extends Emitter {
  defineCommand(...args: never[]): unknown;
  call(command: string, ...args: string[]): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  disconnect(): void;
}

export function isIoredisClient(client: object): client is IoredisClient {
  return "defineCommand" in client && typeof client.defineCommand === "function" && "call" in client;
}

/** A Cluster has a connection of its own for what it subscribes to. */
export function isIoredisCluster(client: IoredisClient): boolean {
  return "isCluster" in client && client.isCluster === true;
}

const OF_ONE = { downs: ["close"], ups: ["ready"] };
/** A Cluster is closed when the last of its nodes is: it tells of each node's loss, and then of a new list of them. */
const OF_NODES = { downs: ["close", "-node"], ups: ["ready", "+node", "refresh"] };

export function ioredisConnection(client: IoredisClient): RedisConnection {
  const handlers = new Map<string, (message: string) => void>();
  const onMessage = (channel: unknown, message: unknown): void =>
    handlers.get(String(channel))?.(String(message));
  const isCluster = isIoredisCluster(client);
  const send = ([command = "", ...args]: string[]): Promise<unknown> =>
    withoutArguments(client.call(command, ...args));
  return {
    isCluster,
    // A Cluster finds the keys in the words.
    command: (words) => (isCluster ? repeated(() => send(words)) : send(words)),
    subscribe: async (channel, handler) => {
      // One listener of the client's, however many channels: its emitter warns of many.
      if (handlers.size === 0) client.on("message", onMessage);
      handlers.set(channel, handler);
      await client.subscribe(channel);
    },
    unsubscribe: async (channel) => {
      handlers.delete(channel);
      if (handlers.size === 0) client.off("message", onMessage);
      await client.unsubscribe(channel);
    },
    onReconnect: (listener) => listenForReconnect(client, isCluster ? OF_NODES : OF_ONE, listener),
    onError: (listener) => listen(client, "error", (error) => listener(error)),
    destroy: () => client.disconnect(),
  };
}
