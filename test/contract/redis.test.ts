// The contract over node-redis 4, 5 and 6, through the entry that is for them.

import { describe, inject, test } from "vitest";
import { createResumableStreamContext as fromIndex } from "../../src/index.ts";
import { createResumableStreamContext as fromRedis } from "../../src/redis.ts";
import { describeContextCalls, describeContexts } from "../../src/testing/contexts.ts";
import { redisBackend } from "./redis-backend.ts";

describe.each(["redis-4", "redis-5", "redis-6"] as const)("%s", (clients) => {
  const url = inject("redisUrl");

  describeContexts(
    "connected clients",
    async () => redisBackend({ url, clients, createContext: fromRedis, state: "connected" }),
    { describe: describe.concurrent, test },
  );

  describeContextCalls(
    "clients that aren't connected yet",
    async () => redisBackend({ url, clients, createContext: fromRedis, state: "fresh" }),
    { describe: describe.concurrent, test },
  );

  describeContextCalls(
    "connected clients through the main entry",
    async () => redisBackend({ url, clients, createContext: fromIndex, state: "connected" }),
    { describe: describe.concurrent, test },
  );
});
