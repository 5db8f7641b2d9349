// The contract over Redis that keeps the text, with every client.

import { describe, inject, test } from "vitest";
import { createResumableStreamContext as fromIoredis } from "../../src/ioredis.ts";
import { createResumableStreamContext as fromRedis } from "../../src/redis.ts";
import { describeContexts } from "../../src/testing/contexts.ts";
import { keepingBackend } from "./redis-backend.ts";

describe.each(["redis-4", "redis-5", "redis-6", "ioredis-5", "ioredis-6"] as const)("%s", (clients) => {
  const createContext = clients.startsWith("ioredis") ? fromIoredis : fromRedis;

  describeContexts(
    "keepText",
    async () => keepingBackend({ url: inject("redisUrl"), clients, createContext }),
    { describe: describe.concurrent, test },
  );
});
