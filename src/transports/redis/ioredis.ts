// ioredis, major versions 5 and 6.

import { channelStart, inOrderFor } from "./channel-node.ts";
import { isPassingAnswer, repeated } from "./cluster-answers.ts";
import { keepSubscribed, resubscribing } from "./ioredis-resubscribing.ts";
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
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  /** `end` once its owner has closed it. */
  readonly status: string;
  disconnect(): void;
}

/** The part of its Cluster that we use besides. */
interface IoredisCluster extends IoredisClient {
  nodes(role: "master"): IoredisNode[];
}

interface IoredisNode {
  readonly options: { host?: string; port?: number };
  call(command: string, ...args: string[]): Promise<unknown>;
}

export function isIoredisClient(client: object): client is IoredisClient {
  return "defineCommand" in client && typeof client.defineCommand === "function" && "call" in client;
}

/** A Cluster has a connection of its own for what it subscribes to. */
export function isIoredisCluster(client: IoredisClient): client is IoredisCluster {
  return "isCluster" in client && client.isCluster === true;
}

export function ioredisConnection(client: IoredisClient): RedisConnection {
  const handlers = new Map<string, (message: string) => void>();
  const onMessage = (channel: unknown, message: unknown): void =>
    handlers.get(String(channel))?.(String(message));
  const cluster = isIoredisCluster(client) ? client : undefined;
  const send = (
    [command = "", ...args]: string[],
    to: Pick<IoredisNode, "call"> = client,
  ): Promise<unknown> => withoutArguments(to.call(command, ...args));
  return {
    isCluster: cluster !== undefined,
    // A Cluster finds the keys in the words.
    command: (words, key) => {
      if (!cluster) return send(words);
      const route = (): IoredisNode | undefined =>
        words[0] === "PUBLISH" ? nodeForChannel(cluster, key ?? "") : undefined;
      return repeated(() => send(words, route()), {
        isPassing: (error) => isPassingAnswer(error) || (cluster.status === "ready" && isClosed(error)),
      });
    },
    subscribe: async (channel, handler) => {
      // One listener of the client's, however many channels: its emitter warns of many.
      if (handlers.size === 0) client.on("message", onMessage);
      if (!cluster) resubscribing(client).add(handlers);
      else keepSubscribed(cluster, handlers);
      handlers.set(channel, handler);
      if (!cluster) return void (await client.subscribe(channel));
      await repeated(() => cluster.subscribe(channel), { isPassing: isRaceOfTheClient });
    },
    unsubscribe: async (channel) => {
      handlers.delete(channel);
      if (handlers.size === 0) {
        client.off("message", onMessage);
        if (!cluster) resubscribing(client).delete(handlers);
      }
      try {
        await client.unsubscribe(channel);
      } catch (error) {
        // Else its owner has closed it, and the subscription went with its connection.
        if (client.status !== "end") throw error;
      }
    },
    onReconnect: (listener) => {
      if (!cluster) return listenForReconnect(client, { downs: ["close"], ups: ["ready"] }, listener);
      const stops = [
        // Subscribers choose another node at once.
        listen(client, "-node", () => listener()),
        // A Cluster is closed when the last of its nodes is, and tells when it has a new list of them.
        listenForReconnect(
          client,
          { downs: ["close", "-node"], ups: ["ready", "+node", "refresh"] },
          listener,
        ),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
    onError: (listener) => listen(client, "error", (error) => listener(error)),
    isClosed: () => client.status === "end",
    destroy: () => client.disconnect(),
  };
}

/** Undefined while the cluster's nodes aren't known: the Cluster then keeps what is sent until they are. */
function nodeForChannel(cluster: IoredisCluster, channel: string): IoredisNode | undefined {
  if (cluster.status !== "ready") return undefined;
  const addressOf = ({ options: { host = "", port = 0 } }: IoredisNode): string => `${host}:${port}`;
  return inOrderFor(channelStart(channel), cluster.nodes("master"), addressOf)[0];
}

/** In version 5 a subscriber that connects asks INFO, which is refused if its first SUBSCRIBE was quicker: both fail then. */
function isRaceOfTheClient(error: unknown): boolean {
  return error instanceof Error && /in subscriber mode/.test(error.message);
}

/** A node that was lost rejects what was sent to it directly. It is then no longer among the nodes. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && error.message === "Connection is closed.";
}
