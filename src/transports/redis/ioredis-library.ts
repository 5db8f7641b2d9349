// Clients of the `ioredis` package.

import { type ClientLibrary, importing, reconnectDelayMs } from "./default-client.ts";
import { ioredisConnection } from "./ioredis.ts";

export const ioredisLibrary: ClientLibrary = {
  name: "ioredis",
  open: async (url) => {
    const { Redis } = await importing(import("ioredis"), "ioredis");
    return ioredisConnection(new Redis(url, { retryStrategy: reconnectDelayMs }));
  },
};
