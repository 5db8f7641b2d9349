// Clients of the `redis` package.

import { type ClientLibrary, importing, reconnectDelayMs } from "./default-client.ts";
import { nodeRedisConnection } from "./node-redis.ts";

export const nodeRedisLibrary: ClientLibrary = {
  name: "redis",
  open: async (url) => {
    const { createClient } = await importing(import("redis"), "redis");
    return nodeRedisConnection(createClient({ url, socket: { reconnectStrategy: reconnectDelayMs } }));
  },
};
