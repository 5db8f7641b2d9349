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
  readonly isReady?: boolean;
  readonly options?: { RESP?: number };
  connect(): Promise<unknown>;
  sendCommand(words: string[], options?: object): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  /** Absent in 4, whose name for it is `disconnect`. */
  destroy?(): void;
  disconnect?(): Promise<unknown>;
}

/**
 * Clients of clusters and Sentinels aren't: their `sendCommand` takes other arguments. One of a Sentinel serves by its documented
 * methods.
 */
export function isNodeRedisClient(client: object): client is NodeRedisClient {
  return (
    "isOpen" in client &&
    "duplicate" in client &&
    "sendCommand" in client &&
    typeof client.sendCommand === "function" &&
    !("slots" in client) &&
    !("masters" in client) &&
    !("acquire" in client)
  );
}

/** Whether it says so, or is of version 4, which knows no other. One of 5 that says nothing is told by its server. */
export function speaksRespTwo(client: NodeRedisClient): boolean {
  return !("withTypeMapping" in client) || client.options?.RESP === 2;
}

/** Whether what failed did so with its connection, which the client opens anew. Each way to break has an error of its own. */
function isBetweenConnections({ isOpen, isReady }: NodeRedisClient): boolean {
  return isOpen && isReady === false;
}

/** Of a client that keeps no queue for when it has no connection: its owner wants it to fail at once. */
function isOffline(error: unknown): boolean {
  return error instanceof Error && error.message === "The client is offline";
}

/** Rejects if its owner closes it meanwhile. */
function untilReady(client: NodeRedisClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const stops = [
      listen(client, "ready", () => settle(resolve)),
      listen(client, "end", () => settle(() => reject(new Error("The client is closed.")))),
    ];
    const settle = (act: () => void): void => {
      for (const stop of stops) stop();
      act();
    };
  });
}

/**
 * Each command of 5 and 6 gets an `AbortSignal` with a timer, which ends its wait for a connection after 5 s. Ours are given up before
 * that, by deadlines of our own.
 */
const WITHOUT_TIMEOUT = { timeout: undefined };

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
  /** One wait for all that were cut off with the connection: the client's emitter warns of many listeners. */
  let returning: Promise<void> | undefined;
  const untilBack = (): Promise<void> => {
    returning ??= untilReady(client).finally(() => {
      returning = undefined;
    });
    return returning;
  };
  return {
    isCluster: false,
    command: async (words) => {
      if (!wasOpen) await connected();
      const send = (): Promise<unknown> => withoutArguments(client.sendCommand(words, WITHOUT_TIMEOUT));
      try {
        return await send();
      } catch (error) {
        // Its answer is lost with the connection. ioredis sends again by itself; all that we send may come twice.
        if (!isBetweenConnections(client) || isOffline(error)) throw error;
        await untilBack();
        return send();
      }
    },
    subscribe: async (channel, onMessage) => {
      if (!wasOpen) await connected();
      await client.subscribe(channel, onMessage);
    },
    // Until it is answered, the client subscribes to the channel again each time that it connects.
    unsubscribe: async (channel) => {
      while (client.isOpen) {
        try {
          return void (await client.unsubscribe(channel));
        } catch (error) {
          // Else its owner has closed it, and the subscription went with its connection.
          if (!client.isOpen) return;
          if (!isBetweenConnections(client)) throw error;
          // Rejects if its owner closes it meanwhile.
          await untilBack().catch(() => undefined);
        }
      }
    },
    onReconnect: (listener) =>
      listenForReconnect(client, { downs: ["reconnecting", "end"], ups: ["ready"] }, listener),
    onError: (listener) => listen(client, "error", (error) => listener(error)),
    isClosed: () => wasOpen && !client.isOpen,
    destroy: () => {
      if (!client.isOpen) return;
      if (client.destroy) client.destroy();
      // Rejects what is under way, which has been told already; nothing is left to wait for.
      else client.disconnect?.().catch(() => undefined);
    },
  };
}
