// The contract over plain objects with the documented methods, which say little of what a Redis client says; and what is
// asked of such objects, over Redis itself.

import { describe, inject, test } from "vitest";
import { describeContextCalls, describeContexts } from "../../src/testing/contexts.ts";
import { describePubSub } from "../../src/testing/pubsub/describe.ts";
import type { PubSubFactory } from "../../src/testing/pubsub/pair.ts";
import { contractOver } from "../../src/testing/pubsub/world.ts";
import { createGenericPair, type GenericPair } from "../support/clients.ts";

const url = inject("redisUrl");

describePubSub("generic", pubSub("redis-6"), { describe: describe.concurrent, test });

describeContextCalls("generic over ioredis", contractOver(pubSub("ioredis-6")), {
  describe: describe.concurrent,
  test,
});

describeContexts(
  "generic, of a publisher that doesn't count who received",
  contractOver(
    pubSub("redis-6", ({ publisher, ...pair }) => ({
      ...pair,
      publisher: {
        ...publisher,
        publish: async (channel, message) => {
          await publisher.publish(channel, message);
        },
      },
    })),
  ),
  { describe: describe.concurrent, test },
);

function pubSub(
  clients: "redis-6" | "ioredis-6",
  adapt: (pair: GenericPair) => GenericPair = (pair) => pair,
): PubSubFactory {
  return () => {
    const pairs: GenericPair[] = [];
    return {
      createPair: async () => {
        const pair = adapt(await createGenericPair(clients, url));
        pairs.push(pair);
        return pair;
      },
      dispose: () => {
        for (const { close } of pairs) close();
      },
    };
  };
}
