// What is asked of keys: one value for all, a counter that is atomic, and an expiry.

import { systemClock } from "../../lib/clock.ts";
import { deepEqual, equal, rejectionOf } from "../assert.ts";
import { IDS } from "../promises/text.ts";
import { until } from "../reading.ts";
import { section, type Section } from "../section.ts";
import type { PubSubPair } from "./pair.ts";
import type { PubSubPort } from "./port.ts";

/** How late an expiry may be. */
const PATIENCE = { withinMs: 5_000 };

export const recordPromises: Section<PubSubPort> = section("keys", (promise) => {
  promise("get of a key that nobody set is null", async (port) => {
    const { publisher } = await port.createPair();
    equal(await publisher.get(port.name("key")), null);
  });

  promise("what one process has set every process gets, the latest of several", async (port) => {
    const key = port.name("key");
    const [one, other] = [await port.createPair(), await port.createPair()];
    for (const value of ["e1234567890123456", "DONE", "0", "text with €, 😀 and \\"]) {
      await one.publisher.set(key, value, { EX: 60 });
      for (const { publisher } of [one, other]) equal(String(await publisher.get(key)), value);
    }
    await other.publisher.set(key, "without EX");
    equal(await one.publisher.get(key), "without EX");
  });

  for (const [what, name] of IDS) {
    promise(`a key may have ${what}`, async (port) => {
      const { publisher } = await port.createPair();
      const keys = [`${port.name("a")}:${name}`, `${port.name("b")}:${name}`];
      await publisher.set(keys[0] ?? "", "a", { EX: 60 });
      deepEqual(await Promise.all(keys.map((key) => publisher.get(key))), ["a", null]);
      equal(await publisher.incr(keys[1] ?? ""), 1);
      equal(String(await publisher.get(keys[0] ?? "")), "a");
    });
  }

  promise("commands of one process take effect in the order they were called", async (port) => {
    const key = port.name("key");
    const { publisher } = await port.createPair();
    await publisher.set(key, "first", { EX: 60 });
    const [before] = await Promise.all([publisher.get(key), publisher.set(key, "second", { EX: 60 })]);
    equal(before, "first");
    equal(await publisher.get(key), "second");
  });

  promise("get and set called together are one step: no other write comes between", async (port) => {
    const key = port.name("key");
    const pairs = await Promise.all([1, 2, 3, 4].map(() => port.createPair()));
    await pairs[0]?.publisher.set(key, "first", { EX: 60 });
    const values = Array.from({ length: 24 }, (_, caller) => `of caller ${caller}`);
    const replaced = await Promise.all(
      values.map(async (value, caller) => {
        const publisher = pairs[caller % pairs.length]?.publisher;
        const [before] = await Promise.all([publisher?.get(key), publisher?.set(key, value, { EX: 60 })]);
        return before;
      }),
    );
    // Each value was replaced by one caller, and the last one by nobody.
    const last = await pairs[0]?.publisher.get(key);
    deepEqual([...replaced, last].map(String).sort(), ["first", ...values].sort());
  });

  promise("a value set with EX is gone after so many seconds, not before", async (port) => {
    const [short, long, renewed] = [port.name("key"), port.name("key"), port.name("key")];
    const { publisher } = await port.createPair();
    await publisher.set(renewed, "short", { EX: 1 });
    await publisher.set(renewed, "long", { EX: 60 });
    await publisher.set(long, "long", { EX: 60 });
    const setAt = systemClock.now();
    await publisher.set(short, "short", { EX: 1 });
    equal(await publisher.get(short), "short");
    await expires(publisher, short);
    // Some servers count whole seconds of their own clock.
    equal(systemClock.now() - setAt > 100, true, "the value of EX 1 lived for a while");
    equal(await publisher.get(long), "long");
    equal(await publisher.get(renewed), "long", "set again with a longer EX");
  });

  promise("incr counts from 1, and from what was set", async (port) => {
    const [key, counter] = [port.name("key"), port.name("key")];
    const { publisher } = await port.createPair();
    equal(await publisher.incr(key), 1);
    equal(await publisher.incr(key), 2);
    equal(String(await publisher.get(key)), "2");
    await publisher.set(counter, "1000000", { EX: 60 });
    equal(await publisher.incr(counter), 1_000_001);
    await publisher.set(counter, "0", { EX: 60 });
    equal(await publisher.incr(counter), 1);
  });

  promise("incr is atomic: of callers at once each gets a number of its own", async (port) => {
    const pairs = await Promise.all([1, 2, 3, 4].map(() => port.createPair()));
    for (let round = 0; round < 3; round += 1) {
      const key = port.name("key");
      const counts = await Promise.all(
        Array.from({ length: 40 }, async (_, caller) => pairs[caller % pairs.length]?.publisher.incr(key)),
      );
      deepEqual(
        counts.map(Number).sort((a, b) => a - b),
        counts.map((_, index) => index + 1),
      );
    }
  });

  promise("incr of what is no integer rejects, and leaves it", async (port) => {
    const { publisher } = await port.createPair();
    for (const value of ["e1234567890123456", "DONE"]) {
      const key = port.name("key");
      await publisher.set(key, value, { EX: 60 });
      await rejectionOf(publisher.incr(key));
      equal(await publisher.get(key), value);
    }
  });

  promise("incr leaves an expiry as it was", async (port) => {
    const key = port.name("key");
    const { publisher } = await port.createPair();
    await publisher.set(key, "5", { EX: 1 });
    await publisher.incr(key);
    await expires(publisher, key);
  });

  promise("a value that expired counts from 1 again", async (port) => {
    const key = port.name("key");
    const { publisher } = await port.createPair();
    await publisher.set(key, "5", { EX: 1 });
    await expires(publisher, key);
    equal(await publisher.incr(key), 1);
  });
});

async function expires(publisher: PubSubPair["publisher"], key: string): Promise<void> {
  await until(async () => equal(await publisher.get(key), null, "the value of EX 1"), PATIENCE);
}
