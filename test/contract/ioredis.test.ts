// The contract over ioredis 5 and 6; a raw instance is accepted in every entry.

import { describe, inject, test } from "vitest";
import { createResumableStreamContext as fromGeneric } from "../../src/generic.ts";
import { createResumableStreamContext as fromIndex } from "../../src/index.ts";
import { createResumableStreamContext as fromIoredis } from "../../src/ioredis.ts";
import { createResumableStreamContext as fromRedis } from "../../src/redis.ts";
import { describeContextCalls, describeContexts } from "../../src/testing/contexts.ts";
import { redisBackend, type CreateContext } from "./redis-backend.ts";

const otherEntries: [string, CreateContext][] = [
  ["index", fromIndex],
  ["redis", fromRedis],
  ["generic", fromGeneric],
];

describe.each(["ioredis-5", "ioredis-6"] as const)("%s", (clients) => {
  const url = inject("redisUrl");

  describeContexts(
    "connected clients",
    async () => redisBackend({ url, clients, createContext: fromIoredis, state: "connected" }),
    { describe: describe.concurrent, test },
  );

  describeContextCalls(
    "clients that aren't connected yet",
    async () => redisBackend({ url, clients, createContext: fromIoredis, state: "fresh" }),
    { describe: describe.concurrent, test },
  );

  for (const [entry, createContext] of otherEntries) {
    describeContextCalls(
      `a raw instance through the ${entry} entry`,
      async () => redisBackend({ url, clients, createContext, state: "connected" }),
      { describe: describe.concurrent, test },
    );
  }
});
