// When a connection of our own counts as silent, while its server is at work on much that was sent before.

import { expect, test } from "vitest";
import { background } from "../../../src/lib/background.ts";
import { turns } from "../../../src/testing/reading.ts";
import { ownConnection } from "../../../src/transports/redis/own-connection.ts";
import type { RedisConnection } from "../../../src/transports/redis/redis-connection.ts";
import { manualClock } from "../../support/manual-clock.ts";

const never = new Promise<never>(() => undefined);

function connectionOf(given: Partial<RedisConnection>): RedisConnection {
  return {
    isCluster: false,
    command: async () => "OK",
    subscribe: async () => undefined,
    unsubscribe: async () => undefined,
    onReconnect: () => () => undefined,
    onError: () => () => undefined,
    destroy: () => undefined,
    ...given,
  };
}

test.each([
  { what: "one server answers in order: it is let go after five deadlines", isCluster: false, at: 7_500 },
  { what: "a cluster doesn't: after one", isCluster: true, at: 1_500 },
])("$what", async ({ isCluster, at }) => {
  const clock = manualClock();
  let opened = 0;
  let replacedAt = 0;
  const open = async (): Promise<RedisConnection> => {
    opened += 1;
    if (opened === 2) replacedAt = clock.now();
    return connectionOf({ command: ([name]) => (name === "SLOW" ? never : Promise.resolve("OK")) });
  };
  const connection = ownConnection(open, { isCluster, clock });
  background(connection.command(["SLOW"]), () => undefined);
  for (let passed = 0; passed < 10_000; passed += 100) {
    background(connection.command(["QUICK"]), () => undefined);
    await turns(2);
    clock.pass(100);
    await turns(2);
  }
  expect(replacedAt).toBe(at);
  connection.destroy();
});

test("one that subscribes to thousands of channels again is given time while they are answered", async () => {
  const clock = manualClock();
  const answers: Array<() => void> = [];
  let opened = 0;
  const open = async (): Promise<RedisConnection> => {
    opened += 1;
    // The first is sick at once; the second has all channels to subscribe to.
    return opened === 1
      ? connectionOf({ command: () => Promise.reject(new Error("READONLY You can't write")) })
      : connectionOf({ subscribe: () => new Promise((resolve) => answers.push(() => resolve(undefined))) });
  };
  const connection = ownConnection(open, { isCluster: false, clock });
  const channels = Array.from({ length: 40 }, (_, index) => `channel ${index}`);
  await Promise.all(channels.map((channel) => connection.subscribe(channel, () => undefined)));
  const asked = connection.command(["GET", "key"]);
  await turns(5);
  expect(answers).toHaveLength(40);
  // 4 s in all, and never 1.5 s without an answer.
  for (const answer of answers) {
    answer();
    await turns(2);
    clock.pass(100);
    await turns(2);
  }
  expect(await asked).toBe("OK");
  expect(opened).toBe(2);
  connection.destroy();
});
