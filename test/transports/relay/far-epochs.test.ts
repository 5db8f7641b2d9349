// Records whose claims come from far in the future: a clock that stood in 2040, or another app's write.

import { expect, test } from "vitest";
import type { PublishPort } from "../../../src/transports/relay/ports.ts";
import { RelayScene } from "./scene.ts";

/** Fails what would go on for ever. */
const MAX_WRITES = 20;

const countWrites =
  (onWrite: (count: number) => void) =>
  (port: PublishPort): PublishPort => {
    let count = 0;
    const replace: PublishPort["records"]["replace"] = (key, claim) => {
      onWrite(++count);
      if (count > MAX_WRITES) return Promise.reject(new Error("too many writes"));
      return port.records.replace(key, claim);
    };
    return { ...port, records: { ...port.records, replace } };
  };

test.each([Math.ceil(Number.MAX_SAFE_INTEGER / 2), Number.MAX_SAFE_INTEGER])(
  "a claim of epoch %d, which none can come above, is replaced at once and never fenced",
  async (epoch) => {
    const scene = new RelayScene();
    const { records } = scene.bus.publishPort();
    await records.replace(scene.names.record("chat"), { epoch, ttlSeconds: 60 });
    let writes = 0;
    const relay = scene.relay({ port: countWrites((count) => (writes = count)) });
    const newer = await scene.produce(relay, { text: "text", mode: "supersede" });
    await scene.pass(2_000);
    expect({ writes, isFenced: newer.producer.isFenced }).toEqual({ writes: 1, isFenced: false });
    expect(await relay.peek("chat")).toEqual({ status: "running", epoch: newer.epoch });
  },
);

test("two that both come from there fence each other, as others do", async () => {
  const scene = new RelayScene();
  const aheadMs = Date.UTC(2040, 0) - Date.UTC(2026, 0);
  const older = await scene.produce(scene.relay({ aheadMs }), { text: "older" });
  const newer = await scene.produce(scene.relay({ aheadMs }), { text: "newer", mode: "supersede" });
  await scene.pass(2_000);
  expect([older, newer].map(({ producer }) => producer.isFenced)).toEqual([true, false]);
});

test("a context that closes tries no further claims, however high the records that it finds", async () => {
  const scene = new RelayScene();
  const port = scene.bus.publishPort();
  let writes = 0;
  // Somebody else is above it, whatever it writes.
  const replace: PublishPort["records"]["replace"] = async (_key, { epoch }) => {
    writes += 1;
    if (writes > MAX_WRITES) throw new Error("too many writes");
    if (writes === 3) closing = relay.close();
    return { status: "claimed", epoch: epoch + 100_000, raw: `e${epoch + 100_000}` };
  };
  const relay = scene.relay({ port: () => ({ ...port, records: { ...port.records, replace } }) });
  let closing: Promise<void> | undefined;
  const produced = await scene.produce(relay, { text: "text", mode: "supersede" });
  // As the engine ends what it claimed while it closes.
  await scene.within(5_000, produced.finish("failed"));
  await closing;
  expect(writes).toBe(3);
});
