// Clients of the `redis` package.

import { clusterNodes } from "./cluster-nodes.ts";
import { type ClientLibrary, importing, reconnectDelayMs } from "./default-client.ts";
import { nodeRedisConnection } from "./node-redis.ts";
import { nodeRedisClusterConnection } from "./node-redis-cluster.ts";

export const nodeRedisLibrary: ClientLibrary = {
  name: "redis",
  open: async (url) => {
    const nodes = clusterNodes(url);
    const { createClient, createCluster } = await importing(import("redis"), "redis");
    const socket = { reconnectStrategy: reconnectDelayMs };
    if (nodes) {
      const { isSecure, urls, ...access } = nodes;
      const cluster = createCluster({
        rootNodes: urls.map((rootUrl) => ({ url: rootUrl })),
        defaults: { ...access, socket: { ...socket, ...(isSecure && { tls: true as const }) } },
        // A master that just died is still in the list: a cluster that connects to all of them would wait for it.
        minimizeConnections: true,
      });
      return nodeRedisClusterConnection(cluster);
    }
    return nodeRedisConnection(createClient({ url, socket }));
  },
};
