// Everything that resumable-stream asks of a pub/sub, and promises over one, against a NATS server.

import { after, before, describe, test } from "node:test";
import { describePubSub, type Runner } from "resumable-stream/testing";
import { connectNats, type NatsPair } from "./nats.ts";
import { type NatsServer, startServer } from "./server.ts";

let server: NatsServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

// No test disturbs another, and most of them wait for something.
const runner: Runner = {
  describe: (name, define) => describe(name, { concurrency: 50 }, define),
  test,
};

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
