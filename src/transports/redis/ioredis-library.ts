// Clients of the `ioredis` package.

import { clusterNodes } from "./cluster-nodes.ts";
import { type ClientLibrary, importing, reconnectDelayMs } from "./default-client.ts";
import { ioredisConnection } from "./ioredis.ts";

export const ioredisLibrary: ClientLibrary = {
  name: "ioredis",
  open: async (url) => {
    const nodes = clusterNodes(url);
    const { Cluster, Redis } = await importing(import("ioredis"), "ioredis");
    if (nodes) {
      const { isSecure, urls, ...redisOptions } = nodes;
      const cluster = new Cluster(urls, {
        clusterRetryStrategy: reconnectDelayMs,
        redisOptions: { ...redisOptions, ...(isSecure && { tls: {} }) },
      });
      return ioredisConnection(cluster);
    }
    return ioredisConnection(new Redis(url, { retryStrategy: reconnectDelayMs }));
  },
};
