// Connections to Redis, one server or a cluster.

import { clusterNodes } from "../transports/redis/cluster-nodes.ts";
import { clusterOf, openCluster } from "./redis-cluster.ts";
import { type Libraries, openSingle, type RedisClient } from "./redis-single.ts";

/** A connection that is open, to the cluster if `url` names nodes of one. If it is lost later, it is made again. */
export async function openRedis(url: string): Promise<RedisClient> {
  const libraries = await loadClients();
  const listed = clusterNodes(url);
  if (listed) return openCluster(libraries, listed);
  const single = await openSingle(libraries, url);
  const cluster = await clusterOf(single, url);
  if (!cluster) return single;
  single.close();
  return openCluster(libraries, cluster);
}

async function loadClients(): Promise<Libraries> {
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

/** The answer to `TTL`, in seconds; null if the key never expires. */
export function toExpiry(reply: unknown): number | null {
  const seconds = Number(reply);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
