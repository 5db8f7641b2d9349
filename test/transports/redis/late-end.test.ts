// A producer that was superseded may write its end long after: it must not pass for the newer one's (G14).

import { createClient } from "redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StatusRecords } from "../../../src/transports/relay/ports.ts";
import { publishPort } from "../../../src/transports/generic/relay-ports.ts";
import { MemoryBus } from "../../../src/transports/memory/memory-bus.ts";
import { nodeRedisConnection } from "../../../src/transports/redis/node-redis.ts";
import { redisPublishPort } from "../../../src/transports/redis/relay-ports.ts";
import { RedisServer } from "../../support/redis-server.ts";

let server: RedisServer;
let client: ReturnType<typeof createClient>;

beforeAll(async () => {
  server = await RedisServer.start();
  client = createClient({ url: server.url });
  await client.connect();
});

afterAll(async () => {
  client.destroy();
  await server[Symbol.asyncDispose]();
});

const stores: Record<string, () => StatusRecords> = {
  redis: () => redisPublishPort(nodeRedisConnection(client)).records,
  generic: () => publishPort(client).records,
  memory: () => new MemoryBus().publishPort().records,
};

test.each(Object.keys(stores))(
  "over %s the newer text's end stays, and its own takes the place of an older one",
  async (name) => {
    const records = stores[name]?.();
    if (!records) throw new Error(name);
    const key = `p:rs:sentinel:${name}`;
    const claim = (epoch: number) => ({ epoch, ttlSeconds: 60 });
    await records.replace(key, claim(5));
    await records.replace(key, claim(7));
    const newer = { epoch: 7, tail: 70, end: "done" } as const;
    expect(await records.finish(key, claim(7), newer)).toBe(true);
    await records.finish(key, claim(5), { epoch: 5, tail: 50, end: "stopped" });
    expect(await records.lastEnd(key)).toEqual(newer);

    // Clocks differ: what holds the record is the newer one, whatever its number.
    await records.replace(key, claim(6));
    const last = { epoch: 6, tail: 60, end: "stopped" } as const;
    expect(await records.finish(key, claim(6), last)).toBe(true);
    expect(await records.lastEnd(key)).toEqual(last);
  },
);
