// Clients that are made from the environment: a mistake there is told when a context is made, and without a password.

import { inspect } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import * as ioredis from "../../../src/ioredis.ts";
import * as redis from "../../../src/redis.ts";

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
