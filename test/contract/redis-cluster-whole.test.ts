// The whole contract over clusters, which pass text on or keep it: the newest of each library.

import { afterAll, beforeAll, describe, test } from "vitest";
import { createResumableStreamContext as fromIoredis } from "../../src/ioredis.ts";
import { createResumableStreamContext as fromRedis } from "../../src/redis.ts";
import { describeContexts } from "../../src/testing/contexts.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { keepingBackend, redisBackend } from "./redis-backend.ts";

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterAll(() => cluster.stop());

/** The older ones are asked the four calls, in redis-cluster.test.ts. */
const clients = [
  ["ioredis-6-cluster", fromIoredis],
  ["redis-6-cluster", fromRedis],
] as const;

describe.each(clients)("%s", (kind, createContext) => {
  describeContexts(
    "connected clients",
    async () => redisBackend({ url: cluster.url, clients: kind, createContext, state: "connected" }),
    { describe: describe.concurrent, test },
  );

  describeContexts(
    "keepText",
    async () => keepingBackend({ url: cluster.url, clients: kind, createContext }),
    { describe: describe.concurrent, test },
  );
});
