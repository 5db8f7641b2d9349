// A cluster of Redis nodes: one client for all of them, and a connection to each for what only it can say.

import { type ClusterNodes, clusterNodes } from "../transports/redis/cluster-nodes.ts";
import { ioredisConnection } from "../transports/redis/ioredis.ts";
import { nodeRedisClusterConnection } from "../transports/redis/node-redis-cluster.ts";
import type { RedisConnection } from "../transports/redis/redis-connection.ts";
import { bounded, CONNECT_TIMEOUT_MS } from "./deadline.ts";
import {
  type Ask,
  type Libraries,
  openConnection,
  openSingle,
  RECONNECT_DELAY_MS,
  type RedisClient,
  type RedisNode,
} from "./redis-single.ts";

/** Commands whose first argument is a key, or the channel that stands for one. */
const KEYED = new Set(["SET", "GET", "DEL", "TTL", "PUBLISH"]);

export async function openCluster(libraries: Libraries, cluster: ClusterNodes): Promise<RedisClient> {
  const seed = await openFirst(libraries, cluster.urls);
  const { client, connect, connection } = createClusterClient(libraries, cluster);
  const close = (): void => {
    seed.close();
    connection.destroy();
  };
  try {
    await openConnection(connection, connect);
  } catch (error) {
    close();
    throw error;
  }
  const ask: Ask = (...words) => {
    const [command = "", key] = words;
    // Libraries differ in what a cluster client does with a command that has no key.
    if (!KEYED.has(command)) return seed.ask(...words);
    return bounded(`run ${command}`, connection.command(words, key));
  };
  const opened = new Map<string, Promise<RedisClient>>();
  const nodes = async (): Promise<RedisNode[]> => {
    const reply = await seed.ask("CLUSTER", "SLOTS");
    return parseSlots(reply, cluster.urls[0] ?? "").map(({ url, ...node }) => ({
      ...node,
      ask: async (...words) => {
        const opening = opened.get(url) ?? openSingle(libraries, url);
        opened.set(url, opening);
        return (await opening).ask(...words);
      },
    }));
  };
  return {
    client,
    connection,
    ask,
    nodes,
    close: () => {
      close();
      // Of one that can't be opened whoever asked it was told.
      for (const opening of opened.values())
        opening.then(
          (node) => node.close(),
          () => undefined,
        );
    },
  };
}

/** The URL of one node, as a list of its cluster's nodes; undefined if the server belongs to none. */
export async function clusterOf(single: RedisClient, url: string): Promise<ClusterNodes | undefined> {
  // A server that doesn't tell is asked no further.
  const info = await single.ask("INFO", "server").catch(() => "");
  return /^redis_mode:cluster\b/m.test(String(info)) ? clusterNodes(`${url},`) : undefined;
}

async function openFirst(libraries: Libraries, urls: readonly string[]): Promise<RedisClient> {
  let reason: unknown;
  for (const url of urls) {
    try {
      return await openSingle(libraries, url);
    } catch (error) {
      reason = error;
    }
  }
  throw reason;
}

interface ClusterClient {
  client: object;
  connection: RedisConnection;
  connect: () => Promise<unknown>;
}

function createClusterClient({ ioredis, redis }: Libraries, cluster: ClusterNodes): ClusterClient {
  const { isSecure, urls, ...access } = cluster;
  const connectTimeout = CONNECT_TIMEOUT_MS;
  if (redis) {
    const socket = { connectTimeout, reconnectStrategy: () => RECONNECT_DELAY_MS };
    const client = redis.createCluster({
      rootNodes: urls.map((url) => ({ url })),
      defaults: { ...access, socket: { ...socket, ...(isSecure && { tls: true as const }) } },
      minimizeConnections: true,
    });
    return { client, connection: nodeRedisClusterConnection(client), connect: () => client.connect() };
  }
  if (!ioredis) throw new TypeError("One of the libraries is there, or none of this is called.");
  const client = new ioredis.Cluster([...urls], {
    lazyConnect: true,
    clusterRetryStrategy: () => RECONNECT_DELAY_MS,
    redisOptions: { ...access, connectTimeout, ...(isSecure && { tls: {} }) },
  });
  return { client, connection: ioredisConnection(client), connect: () => client.connect() };
}

interface ParsedNode extends Pick<RedisNode, "address" | "isMaster" | "slots"> {
  url: string;
}

/** Throws if it isn't what `CLUSTER SLOTS` answers. */
function parseSlots(reply: unknown, url: string): ParsedNode[] {
  if (!Array.isArray(reply)) throw new TypeError("CLUSTER SLOTS wasn't answered with a list.");
  const nodes = new Map<string, ParsedNode>();
  for (const range of reply as unknown[]) {
    const [from, to, ...servers] = Array.isArray(range) ? (range as unknown[]) : [];
    const slots = Number(to) - Number(from) + 1;
    if (!Number.isInteger(slots)) throw new TypeError("CLUSTER SLOTS was answered with something else.");
    for (const [index, server] of servers.entries()) {
      const node = parseNode(server, { url, isMaster: index === 0 });
      const known = nodes.get(node.address) ?? node;
      nodes.set(node.address, { ...known, slots: known.slots + slots });
    }
  }
  return [...nodes.values()];
}

function parseNode(server: unknown, { isMaster, url }: { isMaster: boolean; url: string }): ParsedNode {
  const [host, port] = Array.isArray(server) ? (server as unknown[]) : [];
  if (!Number.isInteger(Number(port))) throw new TypeError("CLUSTER SLOTS names a node without a port.");
  const node = new URL(url);
  // A node that doesn't know its own address leaves it out: it is the one that was asked.
  if (typeof host === "string" && host !== "") node.hostname = bracketed(host);
  node.port = String(port);
  return { address: node.host, isMaster, slots: 0, url: node.href };
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
