// The connections to Redis: those behind the caller's clients, and those that we make of the environment.

import { shared } from "../../lib/shared.ts";
import { clusterNodes } from "./cluster-nodes.ts";
import { checkUrl, type ClientLibrary, openDefaultClient, redisUrl } from "./default-client.ts";
import { ioredisConnection, isIoredisClient } from "./ioredis.ts";
import { isNodeRedisClient, nodeRedisConnection } from "./node-redis.ts";
import { isNodeRedisCluster, nodeRedisClusterConnection } from "./node-redis-cluster.ts";
import { ownConnection } from "./own-connection.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** The connection behind a client of one of the two libraries, or one that we made; undefined for any other object. */
export function connectionOf(client: object): RedisConnection | undefined {
  if (madeByUs.has(client)) return madeByUs.get(client);
  if (isIoredisClient(client)) return ioredisConnection(client);
  if (isNodeRedisCluster(client)) return nodeRedisClusterConnection(client);
  if (isNodeRedisClient(client)) return nodeRedisConnection(client);
  return undefined;
}

/** A client made from the environment, and how many contexts use it: a context for every request opens no more. */
export interface MadeConnection {
  readonly key: string;
  readonly connection: RedisConnection;
  users: number;
}

const madeConnections = shared("made-connections.1", () => new Map<string, MadeConnection>());
const madeByUs = shared("made-by-us.1", () => new WeakMap<object, RedisConnection>());

export function acquireMade(role: "publisher" | "subscriber", library: ClientLibrary): MadeConnection {
  const url = redisUrl() ?? "";
  const isCluster = clusterNodes(url) !== undefined;
  if (!isCluster) checkUrl(url, library.name);
  const key = `${role} ${library.name} ${url}`;
  const connection = ownConnection(() => openDefaultClient(library), { isCluster });
  const made = madeConnections.get(key) ?? { key, connection, users: 0 };
  madeByUs.set(made.connection, made.connection);
  madeConnections.set(key, made);
  made.users += 1;
  return made;
}

export function releaseMade(made: MadeConnection): void {
  made.users -= 1;
  if (made.users > 0) return;
  madeConnections.delete(made.key);
  made.connection.destroy();
}
