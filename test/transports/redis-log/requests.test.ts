// How long a script is waited for while its server is at work on others.

import { expect, test } from "vitest";
import { background } from "../../../src/lib/background.ts";
import { turns } from "../../../src/testing/reading.ts";
import { Outages } from "../../../src/transports/log/outages.ts";
import { LogRequests } from "../../../src/transports/redis-log/requests.ts";
import { Subscriptions } from "../../../src/transports/relay/subscriptions.ts";
import { manualClock } from "../../support/manual-clock.ts";

test.each([
  { isOrdered: true, write: 5_000 },
  { isOrdered: false, write: 1_000 },
])("a write has five deadlines if answers come in order, a claim always one: %o", async (given) => {
  const clock = manualClock();
  const requests = new LogRequests({
    connection: {
      // Only messages are answered.
      send: ([command]) => (command === "PUBLISH" ? Promise.resolve(1) : new Promise(() => undefined)),
      isOrdered: given.isOrdered,
      subscriptions: new Subscriptions({
        subscribe: async () => undefined,
        unsubscribe: async () => undefined,
        onReconnect: () => () => undefined,
      }),
      outages: new Outages(clock),
      onReconnect: () => () => undefined,
      onError: () => () => undefined,
      close: () => undefined,
    },
    clock,
    timeoutMs: 1_000,
    leaseMs: 10_000,
    onError: () => undefined,
  });
  const late = new Map<string, number>();
  for (const name of ["write", "claim"] as const)
    background(requests.run(name, "{s}", []), () => void late.set(name, clock.now()));
  for (let passed = 0; passed < 8_000; passed += 100) {
    background(requests.publish("other", "message"), () => undefined);
    await turns(1);
    clock.pass(100);
    await turns(1);
  }
  expect(Object.fromEntries(late)).toEqual({ write: given.write, claim: 1_000 });
});
