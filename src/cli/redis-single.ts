// A connection to one Redis server, by whichever client library is installed.

import type * as Ioredis from "ioredis";
import type * as NodeRedis from "redis";
import { ioredisConnection } from "../transports/redis/ioredis.ts";
import { nodeRedisConnection } from "../transports/redis/node-redis.ts";
import type { RedisConnection } from "../transports/redis/redis-connection.ts";
import { UsageError } from "./args.ts";
import { CONNECT_TIMEOUT_MS, bounded } from "./deadline.ts";

/** One of them is there. */
export interface Libraries {
  redis?: Pick<typeof NodeRedis, "createClient" | "createCluster">;
  ioredis?: Pick<typeof Ioredis, "Redis" | "Cluster">;
}

/** A command, with a deadline. */
export type Ask = (...words: string[]) => Promise<unknown>;

export interface RedisClient {
  /** The library's own object. */
  client: object;
  ask: Ask;
  connection: RedisConnection;
  /** The nodes of a cluster, or the one server. */
  nodes: () => Promise<RedisNode[]>;
  close: () => void;
}

/** A server that has a part of the keys and of the subscribers. */
export interface RedisNode {
  address: string;
  isMaster: boolean;
  /** How many hash slots it has; 0 of a server that has all keys. */
  slots: number;
  /** Connects with the first command. */
  ask: Ask;
}

export async function mastersOf({ nodes }: RedisClient): Promise<RedisNode[]> {
  return (await nodes()).filter(({ isMaster }) => isMaster);
}

export const RECONNECT_DELAY_MS = 250;

export async function openSingle({ ioredis, redis }: Libraries, url: string): Promise<RedisClient> {
  if (redis) return openNodeRedis(redis, url);
  if (ioredis) return openIoredis(ioredis, url);
  throw new UsageError('Cannot load a Redis client: run "npm install redis" (or "npm install ioredis").');
}

async function openNodeRedis(
  { createClient }: NonNullable<Libraries["redis"]>,
  url: string,
): Promise<RedisClient> {
  let wasOpen = false;
  const client = createClient({
    url,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: () => (wasOpen ? RECONNECT_DELAY_MS : false),
    },
  });
  const connection = nodeRedisConnection(client);
  await openConnection(connection, () => client.connect());
  wasOpen = true;
  return ofOne(client, connection, url);
}

async function openIoredis({ Redis }: NonNullable<Libraries["ioredis"]>, url: string): Promise<RedisClient> {
  let wasOpen = false;
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => (wasOpen ? RECONNECT_DELAY_MS : null),
  });
  const connection = ioredisConnection(client);
  await openConnection(connection, () => client.connect());
  wasOpen = true;
  return ofOne(client, connection, url);
}

/** Rejects with why it can't be opened. */
export async function openConnection(
  connection: RedisConnection,
  connect: () => Promise<unknown>,
): Promise<void> {
  // ioredis rejects with "Connection is closed." and tells the reason by its event.
  let reason: unknown;
  connection.onError((error) => (reason = error));
  try {
    await bounded("connect to Redis", connect(), CONNECT_TIMEOUT_MS);
  } catch (error) {
    connection.destroy();
    throw reason ?? error;
  }
}

function ofOne(client: object, connection: RedisConnection, url: string): RedisClient {
  const ask: Ask = (...words) => bounded(`run ${words[0]}`, connection.command(words));
  return {
    client,
    connection,
    ask,
    nodes: () => Promise.resolve([{ address: new URL(url).host, isMaster: true, slots: 0, ask }]),
    close: () => connection.destroy(),
  };
}
