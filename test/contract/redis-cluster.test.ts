// The four calls over clusters: ioredis 5 and 6, node-redis 4, 5 and 6, and the clients that are made of a list of nodes. The whole
// contract takes 40 s per client: redis-cluster-whole.test.ts, by npm run test:examples.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createResumableStreamContext as fromIoredis } from "../../src/ioredis.ts";
import { createResumableStreamContext as fromRedis } from "../../src/redis.ts";
import { describeContextCalls } from "../../src/testing/contexts.ts";
import { freshKeyPrefix, type ContractBackend } from "../../src/testing/contract.ts";
import { connectionOf } from "../../src/transports/redis/connections.ts";
import { redisPublishPort } from "../../src/transports/redis/relay-ports.ts";
import { createClients } from "../support/clients.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { type CreateContext, keepingBackend, redisBackend } from "./redis-backend.ts";

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterAll(() => cluster.stop());

const clients = [
  ["ioredis-5-cluster", fromIoredis],
  ["ioredis-6-cluster", fromIoredis],
  ["redis-4-cluster", fromRedis],
  ["redis-5-cluster", fromRedis],
  ["redis-6-cluster", fromRedis],
] as const;

describe.each(clients)("%s", (kind, createContext) => {
  test("publishing gives no count of receivers: each node knows its own only", async () => {
    const { close, publisher } = await createClients(kind, cluster.url);
    const connection = connectionOf(publisher);
    if (!connection) throw new Error("It wasn't recognised");
    expect(await redisPublishPort(connection).publish("channel", "message")).toBeUndefined();
    close();
  });

  describeContextCalls(
    "connected clients",
    async () => redisBackend({ url: cluster.url, clients: kind, createContext, state: "connected" }),
    { describe: describe.concurrent, test },
  );

  describeContextCalls(
    "keepText",
    async () => keepingBackend({ url: cluster.url, clients: kind, createContext }),
    { describe: describe.concurrent, test },
  );

  describeContextCalls(
    "clients that aren't connected yet",
    async () => redisBackend({ url: cluster.url, clients: kind, createContext, state: "fresh" }),
    { describe: describe.concurrent, test },
  );
});

describe.each([
  ["redis", fromRedis],
  ["ioredis", fromIoredis],
] as const)("clients that the %s entry makes of REDIS_URL", (_name, createContext) => {
  const before = process.env["REDIS_URL"];
  beforeAll(() => {
    process.env["REDIS_URL"] = cluster.url;
  });
  afterAll(() => {
    if (before === undefined) delete process.env["REDIS_URL"];
    else process.env["REDIS_URL"] = before;
  });

  describeContextCalls("a list of nodes", async () => environmentBackend(createContext), { describe, test });
});

function environmentBackend(createContext: CreateContext): ContractBackend {
  const keyPrefix = freshKeyPrefix();
  return {
    createContext: async (options) => createContext({ keyPrefix, ...options }),
    dispose: () => Promise.resolve(),
  };
}
