// What clients answer, and what they are: read right, or refused by name.

import { Cluster, Redis } from "ioredis";
import { createClient, createSentinel, RESP_TYPES } from "redis";
import { createClient as createClient4 } from "redis-4";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createResumableStreamContext } from "../../../src/redis.ts";
import { parseEnd, parseRecord } from "../../../src/transports/relay/record.ts";
import { manualSource } from "../../../src/testing/manual-source.ts";
import { read } from "../../../src/testing/reading.ts";
import { RedisServer } from "../../support/redis-server.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

describe("a key's value", () => {
  test("may come as bytes, as a client with a type mapping gives it", () => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(parseRecord(Buffer.from("e12"))).toEqual({ status: "claimed", epoch: 12, raw: "e12" });
    expect(parseRecord(bytes("DONE"))).toEqual({ status: "done" });
    expect(parseEnd(bytes("e12 5 stopped"))).toEqual({ epoch: 12, tail: 5, end: "stopped" });
  });

  test("that isn't understood is an error, and no free record", () => {
    for (const value of [["e12"], { e: 12 }, true]) expect(() => parseRecord(value)).toThrow(TypeError);
    for (const none of [null, undefined]) expect(parseRecord(none)).toEqual({ status: "free" });
  });
});

const mappings = {
  "strings as bytes": { [RESP_TYPES.BLOB_STRING]: Buffer },
  "numbers as strings": { [RESP_TYPES.NUMBER]: String },
} as const;

test.each(Object.entries(mappings))(
  "a publisher that gives %s follows and ends a stream",
  async (_, typeMapping) => {
    const publisher = createClient({ url: server.url, commandOptions: { typeMapping } });
    const subscriber = createClient({ url: server.url });
    const context = createResumableStreamContext({
      waitUntil: null,
      publisher: publisher,
      subscriber,
    });
    const id = crypto.randomUUID();
    const source = manualSource();
    const first = read(await context.createNewResumableStream(id, source.makeStream));
    source.push("text");
    await first.reached(4);
    expect(await context.hasExistingStream(id)).toBe(true);
    source.end();
    await first.ended;
    expect(await context.hasExistingStream(id)).toBe("DONE");
    await context.close();
    publisher.destroy();
    subscriber.destroy();
  },
);

describe("one client for both roles", () => {
  const both = (client: object): (() => unknown) => {
    return () =>
      createResumableStreamContext({
        waitUntil: null,
        publisher: client as Redis,
        subscriber: client as Redis,
      });
  };

  test("is a TypeError when the context is made, where the client says that it can't", () => {
    const ioredis = new Redis(server.url, { lazyConnect: true });
    for (const client of [
      ioredis,
      createClient({ url: server.url, RESP: 2 }),
      createClient4({ url: server.url }),
    ]) {
      expect(both(client)).toThrow(/same client.*duplicate\(\)/);
    }
    ioredis.disconnect();
  });

  test("is fine for an ioredis Cluster, which has a connection for its channels", () => {
    const cluster = new Cluster([server.url], { lazyConnect: true });
    expect(both(cluster)).not.toThrow();
    cluster.disconnect();
  });
});

test("a node-redis Sentinel client serves by its documented methods", () => {
  const sentinel = createSentinel({ name: "main", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] });
  expect(() =>
    createResumableStreamContext({
      waitUntil: null,
      publisher: sentinel,
      subscriber: sentinel,
    }),
  ).not.toThrow();
});
