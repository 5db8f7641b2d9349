// Clients that are made from the environment: a mistake there is told when a context is made, and without a password.

import { inspect } from "node:util";
import { afterEach, expect, inject, test, vi } from "vitest";
import * as ioredis from "../../../src/ioredis.ts";
import * as redis from "../../../src/redis.ts";

const entries = { redis, ioredis };

afterEach(() => vi.unstubAllEnvs());

function errorOf(made: () => unknown): unknown {
  try {
    return made();
  } catch (error) {
    return error;
  }
}

test.each([
  { name: "redis", entry: redis },
  { name: "ioredis", entry: ioredis },
])(
  "a password that isn't percent-encoded is told with the variable's name, and isn't shown: $name",
  ({ entry }) => {
    vi.stubEnv("REDIS_URL", "redis://:pass/word@localhost:6379");
    const error = errorOf(() => entry.createResumableStreamContext({ waitUntil: null }));
    expect(error).toBeInstanceOf(TypeError);
    expect(inspect(error)).toMatch(/^TypeError: REDIS_URL .* percent-encode/);
    expect(inspect(error)).not.toContain("pass/word");
  },
);

test.each([
  ["a template's stars", "****", "redis"],
  ["words", "<your redis url>", "redis"],
  ["words, ioredis", "<your redis url>", "ioredis"],
  ["quotes", '"redis://localhost:6379"', "redis"],
  ["quotes, ioredis", '"redis://localhost:6379"', "ioredis"],
  ["a REST API", "https://eu1-calm-1.upstash.io", "redis"],
  ["a REST API, ioredis", "https://eu1-calm-1.upstash.io", "ioredis"],
  ["a host and a port", "localhost:6379", "redis"],
] as const)("%s in REDIS_URL are told when a context is made", (_, url, name) => {
  vi.stubEnv("REDIS_URL", url);
  const error = errorOf(() => entries[name].createResumableStreamContext({ waitUntil: null }));
  expect(error).toBeInstanceOf(TypeError);
  expect(inspect(error)).toMatch(/^TypeError: REDIS_URL .* must begin with redis:\/\//);
});

test.each([
  "localhost:6379",
  "6379",
  "/tmp/redis.sock",
  "unix:///tmp/redis.sock",
  "redis+socket:///tmp/redis.sock",
  " redis://localhost:6379 ",
])("ioredis may be given %j", async (url) => {
  vi.stubEnv("REDIS_URL", url);
  await using context = ioredis.createResumableStreamContext({ waitUntil: null });
  expect(context).toBeDefined();
});

test("ioredis may be given several addresses", async () => {
  vi.stubEnv("REDIS_URL", `${inject("redisUrl")},${inject("redisUrl")}`);
  const context = ioredis.createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  expect(await context.close()).toBeUndefined();
});
