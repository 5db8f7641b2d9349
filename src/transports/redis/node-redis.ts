// node-redis, major versions 4, 5 and 6.

import {
  type Emitter,
  listen,
  listenForReconnect,
  type RedisConnection,
  withoutArguments,
} from "./redis-connection.ts";

/** The part of a node-redis client that we use. */
export interface NodeRedisClient extends Emitter {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  sendCommand(words: string[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  /** Absent in 4, whose name for it is `disconnect`. */
  destroy?(): void;
  disconnect?(): Promise<unknown>;
}

/** A cluster client isn't one: its `sendCommand` takes other arguments. It serves by its documented methods. */
export function isNodeRedisClient(client: object): client is NodeRedisClient {
  return (
    "isOpen" in client &&
    "duplicate" in client &&
    "sendCommand" in client &&
    typeof client.sendCommand === "function" &&
    !("slots" in client) &&
    !("masters" in client)
  );
}

export function nodeRedisConnection(client: NodeRedisClient): RedisConnection {
  let connecting: Promise<void> | undefined;
  /** Whether the client was ever open. One that was, and isn't any more, was closed by its owner: it stays closed. */
  let wasOpen = false;
  /** Commands of a client that nobody connected yet would fail at once. */
  const connected = async (): Promise<void> => {
    wasOpen ||= client.isOpen;
    if (wasOpen) return;
    connecting ??= client
      .connect()
      .then(() => {
        wasOpen = true;
      })
      .finally(() => {
        connecting = undefined;
      });
    await connecting;
  };
  return {
    command: async (words) => {
      if (!wasOpen) await connected();
      return withoutArguments(client.sendCommand(words));
    },
    subscribe: async (channel, onMessage) => {
      if (!wasOpen) await connected();
      await client.subscribe(channel, onMessage);
    },
    unsubscribe: async (channel) => {
      if (client.isOpen) await client.unsubscribe(channel);
    },
    onReconnect: (listener) =>
      listenForReconnect(client, { downs: ["reconnecting", "end"], up: "ready" }, listener),
    onError: (listener) => listen(client, "error", (error) => listener(error)),
    destroy: () => {
      if (!client.isOpen) return;
      if (client.destroy) client.destroy();
      // Rejects what is under way, which has been told already; nothing is left to wait for.
      else client.disconnect?.().catch(() => undefined);
    },
  };
}
