// The contract over plain objects with the documented methods, which say little of what a Redis client says.

import { inject } from "vitest";
import { createResumableStreamContext } from "../../src/generic.ts";
import { createGenericPair, type GenericPair } from "../support/clients.ts";
import type { ContractFactory } from "./contract.ts";
import { freshKeyPrefix } from "./redis-backend.ts";
import { describeTransport, describeTransportCalls } from "./transport.ts";

const url = inject("redisUrl");

describeTransport(
  "generic",
  genericBackend("redis-6", (pair) => pair),
);

describeTransportCalls(
  "generic over ioredis",
  genericBackend("ioredis-6", (pair) => pair),
);

describeTransport(
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
