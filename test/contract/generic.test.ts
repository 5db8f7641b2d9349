// The contract over plain objects with the documented methods, which say little of what a Redis client says.

import { describe, inject, test } from "vitest";
import { createResumableStreamContext } from "../../src/generic.ts";
import { describeContextCalls, describeContexts } from "../../src/testing/contexts.ts";
import { freshKeyPrefix, type ContractFactory } from "../../src/testing/contract.ts";
import { createGenericPair, type GenericPair } from "../support/clients.ts";

const url = inject("redisUrl");

describeContexts(
  "generic",
  genericBackend("redis-6", (pair) => pair),
  { describe: describe.concurrent, test },
);

describeContextCalls(
  "generic over ioredis",
  genericBackend("ioredis-6", (pair) => pair),
  { describe: describe.concurrent, test },
);

describeContexts(
  "generic, of a publisher that doesn't count who received",
  genericBackend("redis-6", ({ publisher, ...pair }) => ({
    ...pair,
    publisher: {
      ...publisher,
      publish: async (channel, message) => {
        await publisher.publish(channel, message);
      },
    },
  })),
  { describe: describe.concurrent, test },
);

function genericBackend(
  clients: "redis-6" | "ioredis-6",
  adapt: (pair: GenericPair) => GenericPair,
): ContractFactory {
  return async () => {
    const keyPrefix = freshKeyPrefix();
    const pairs: GenericPair[] = [];
    return {
      async createContext(options) {
        const pair = adapt(await createGenericPair(clients, url));
        pairs.push(pair);
        const { publisher, subscriber } = pair;
        return createResumableStreamContext({ keyPrefix, ...options, publisher, subscriber });
      },
      async dispose() {
        for (const { close } of pairs) close();
      },
    };
  };
}
