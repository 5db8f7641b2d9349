// Options of a context over Redis that keeps the text: a mistake is a TypeError that names the option.

import { expect, test } from "vitest";
import { createResumableStreamContext as fromIoredis } from "../../../src/ioredis.ts";
import { createResumableStreamContext as fromRedis } from "../../../src/redis.ts";

/** As a program without types calls it. */
type Create = (options: Record<string, unknown>) => unknown;
const factories: [name: string, create: Create][] = [
  ["redis", fromRedis as unknown as Create],
  ["ioredis", fromIoredis as unknown as Create],
];

test.each(factories)("over %s, options of kept text are refused without keepText: true", (_name, create) => {
  for (const option of [{ leaseMs: 5_000 }, { flushIntervalMs: 100 }, { replay: true }, { replay: false }]) {
    const [name = ""] = Object.keys(option);
    for (const without of [{}, { keepText: false }]) {
      const make = (): unknown => create({ waitUntil: null, ...without, ...option });
      expect(make).toThrow(TypeError);
      expect(make).toThrow(`${name} must be left out without keepText: true.`);
    }
  }
});

test.each(factories)("over %s, values that can't be used are refused by name", (_name, create) => {
  const bad = {
    keepText: ["yes", 1, null],
    leaseMs: [0, -1, "10"],
    flushIntervalMs: [0, NaN],
    replay: ["no", 1],
  };
  for (const [name, values] of Object.entries(bad)) {
    for (const value of values) {
      const make = (): unknown => create({ waitUntil: null, keepText: true, [name]: value });
      expect(make).toThrow(TypeError);
      expect(make).toThrow(name);
    }
  }
});

test("clients of other libraries are refused, since they can't run scripts", () => {
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  const publisher = { publish: nothing, set: nothing, get: nothing, incr: nothing };
  const subscriber = { subscribe: nothing, unsubscribe: nothing };
  const make = (): unknown =>
    (fromRedis as unknown as Create)({ waitUntil: null, keepText: true, publisher, subscriber });
  expect(make).toThrow(TypeError);
  expect(make).toThrow("keepText needs a client that sends any command");
});
