// How long a script is waited for while its server is at work on others, and what of its answers says that it is away.

import { expect, test } from "vitest";
import { background } from "../../../src/lib/background.ts";
import { turns } from "../../../src/testing/reading.ts";
import { Outages } from "../../../src/transports/log/outages.ts";
import { LogRequests } from "../../../src/transports/redis-log/requests.ts";
import { Subscriptions } from "../../../src/transports/relay/subscriptions.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";

interface Server {
  clock: ManualClock;
  outages: Outages;
  send: (words: string[]) => Promise<unknown>;
  isOrdered: boolean;
}

function open({ clock, outages, send, isOrdered }: Server): LogRequests {
  return new LogRequests({
    connection: {
      send,
      isOrdered,
      subscriptions: new Subscriptions({
        subscribe: async () => undefined,
        unsubscribe: async () => undefined,
        onReconnect: () => () => undefined,
      }),
      outages,
      onReconnect: () => () => undefined,
      onError: () => () => undefined,
      isClosed: () => false,
      close: () => undefined,
    },
    clock,
    timeoutMs: 1_000,
    leaseMs: 10_000,
    onError: () => undefined,
  });
}

test.each([
  { isOrdered: true, write: 5_000 },
  { isOrdered: false, write: 1_000 },
])("a write has five deadlines if answers come in order, a claim always one: %o", async (given) => {
  const clock = manualClock();
  // Only messages are answered.
  const send: Server["send"] = ([command]) =>
    command === "PUBLISH" ? Promise.resolve(1) : new Promise(() => undefined);
  const { isOrdered } = given;
  const requests = open({ clock, outages: new Outages(clock), send, isOrdered });
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

test.each([
  ["BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", true],
  ["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", true],
  ["OOM command not allowed when used memory > 'maxmemory'.", true],
  ["READONLY You can't write against a read only replica.", true],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", false],
  ["ERR value is not an integer or out of range", false],
])("nobody can renew a lease while a server answers %j: %j", async (message, isAway) => {
  const clock = manualClock();
  const outages = new Outages(clock);
  const send = (): Promise<unknown> => Promise.reject(new Error(message));
  const requests = open({ clock, outages, send, isOrdered: true });
  await expect(requests.run("write", "{s}", [])).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  expect(outages.isAway).toBe(isAway);
});
