// A pub/sub that this library wasn't planned for keeps every promise: NATS, by the example.

import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { connectNats, type NatsPair } from "../../examples/own-transport/nats.ts";
import { type NatsServer, startServer } from "../../examples/own-transport/server.ts";
import { describePubSub, type Runner } from "../../src/testing.ts";

// Most of the promises wait for something: at once they take seconds.
vi.setConfig({ maxConcurrency: 50 });
const runner: Runner = { describe: describe.concurrent, test };

let server: NatsServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

describePubSub(
  "NATS",
  () => {
    const pairs: NatsPair[] = [];
    return {
      createPair: async () => {
        const pair = await connectNats({ url: server.url });
        pairs.push(pair);
        return pair;
      },
      dispose: async () => {
        await Promise.all(pairs.map((pair) => pair.close()));
      },
    };
  },
  runner,
);
