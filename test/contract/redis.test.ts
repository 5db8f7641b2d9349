// The contract over node-redis 4, 5 and 6, through the entry that is for them.

import { describe, inject } from "vitest";
import { createResumableStreamContext as fromIndex } from "../../src/index.ts";
import { createResumableStreamContext as fromRedis } from "../../src/redis.ts";
import { redisBackend } from "./redis-backend.ts";
import { describeTransport, describeTransportCalls } from "./transport.ts";

describe.each(["redis-4", "redis-5", "redis-6"] as const)("%s", (clients) => {
  const url = inject("redisUrl");

  describeTransport("connected clients", async () =>
    redisBackend({ url, clients, createContext: fromRedis, state: "connected" }),
  );

  describeTransportCalls("clients that aren't connected yet", async () =>
    redisBackend({ url, clients, createContext: fromRedis, state: "fresh" }),
  );

  describeTransportCalls("connected clients through the main entry", async () =>
    redisBackend({ url, clients, createContext: fromIndex, state: "connected" }),
  );
});
