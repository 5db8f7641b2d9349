// Connections to Redis, by whichever client library is installed.

import type * as Ioredis from "ioredis";
import type * as NodeRedis from "redis";
import { ioredisConnection } from "../transports/redis/ioredis.ts";
import { nodeRedisConnection } from "../transports/redis/node-redis.ts";
import type { RedisConnection } from "../transports/redis/redis-connection.ts";
import { UsageError } from "./args.ts";
import { CONNECT_TIMEOUT_MS, bounded } from "./deadline.ts";

type NodeRedisModule = Pick<typeof NodeRedis, "createClient">;
type IoredisModule = Pick<typeof Ioredis, "Redis">;

export interface RedisClient {
  /** The library's own object. */
  client: object;
  /** A command, with a deadline. */
  ask: (...words: string[]) => Promise<unknown>;
  connection: RedisConnection;
  close: () => void;
}

const RECONNECT_DELAY_MS = 250;

/** A connection that is open. One that is lost later is made again. */
export async function openRedis(url: string): Promise<RedisClient> {
  const { redis, ioredis } = await loadClients();
  if (redis) return openNodeRedis(redis, url);
  if (ioredis) return openIoredis(ioredis, url);
  throw new UsageError('Cannot load a Redis client: run "npm install redis" (or "npm install ioredis").');
}

async function openNodeRedis({ createClient }: NodeRedisModule, url: string): Promise<RedisClient> {
  let wasOpen = false;
  const client = createClient({
    url,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: () => (wasOpen ? RECONNECT_DELAY_MS : false),
    },
  });
  return open(client, nodeRedisConnection(client), async () => {
    await client.connect();
    wasOpen = true;
  });
}

async function openIoredis({ Redis }: IoredisModule, url: string): Promise<RedisClient> {
  let wasOpen = false;
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => (wasOpen ? RECONNECT_DELAY_MS : null),
  });
  return open(client, ioredisConnection(client), async () => {
    await client.connect();
    wasOpen = true;
  });
}

async function open(
  client: object,
  connection: RedisConnection,
  connect: () => Promise<void>,
): Promise<RedisClient> {
  // ioredis rejects with "Connection is closed." and tells the reason by its event.
  let reason: unknown;
  connection.onError((error) => (reason = error));
  try {
    await bounded("connect to Redis", connect(), CONNECT_TIMEOUT_MS);
  } catch (error) {
    connection.destroy();
    throw reason ?? error;
  }
  return {
    client,
    connection,
    ask: (...words) => bounded(`run ${words[0]}`, connection.command(words)),
    close: () => connection.destroy(),
  };
}

async function loadClients(): Promise<{
  redis?: NodeRedisModule;
  ioredis?: IoredisModule;
}> {
  const redis = await loaded(import("redis"));
  if (redis) return { redis };
  const ioredis = await loaded(import("ioredis"));
  return ioredis ? { ioredis } : {};
}

/** Undefined if it isn't installed. */
async function loaded<Module>(loading: Promise<Module>): Promise<Module | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** Names and values, which come as a list or, by protocol 3, as a map; after a subscription some clients give bytes. */
export function toPairs(reply: unknown): Map<string, string> {
  if (Array.isArray(reply)) {
    const pairs = new Map<string, string>();
    for (let index = 0; index + 1 < reply.length; index += 2) {
      pairs.set(String(reply[index]), String(reply[index + 1]));
    }
    return pairs;
  }
  const entries = reply instanceof Map ? [...reply] : Object.entries(reply ?? {});
  return new Map(entries.map(([name, value]: [unknown, unknown]) => [String(name), String(value)]));
}
