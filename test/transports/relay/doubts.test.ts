// Two producers of one stream, and followers of either: who answers whom, and on whom a verdict is passed.

import { expect, test } from "vitest";
import { background } from "../../../src/lib/background.ts";
import { sleep } from "../../../src/lib/clock.ts";
import { createDeferred } from "../../../src/lib/deferred.ts";
import type { PublishPort, StatusRecords } from "../../../src/transports/relay/ports.ts";
import { parseFrame, parseRequest } from "../../../src/transports/relay/protocol.ts";
import type { Transport } from "../../../src/port/transport.ts";
import { ACK_TIMEOUT_MS, type ProcessOptions, type Produced, RelayScene } from "./scene.ts";

/** More than any verdict takes. */
const VERDICT_MS = 5 * ACK_TIMEOUT_MS;

/** A server that answers some calls on its records in another way. */
const withRecords =
  (change: (records: StatusRecords) => Partial<StatusRecords>) =>
  (port: PublishPort): PublishPort => ({ ...port, records: { ...port.records, ...change(port.records) } });

const refuse = (): Promise<never> => Promise.reject(new Error("OOM command not allowed"));

test("a producer whose end can't be written yet outlives the followers of the one before it (G4, G6)", async () => {
  const scene = new RelayScene();
  const older = await scene.produce(scene.relay(), { text: "hello" });
  const refusing = scene.relay({ port: withRecords(() => ({ finish: refuse })) });
  const newer = await scene.produce(refusing, { text: "other text", mode: "supersede" });
  const follower = await scene.followingRelay();
  const olderFollower = await scene.followingRelay();
  const read = (relay: Transport, { epoch }: Produced) =>
    scene.within(VERDICT_MS, relay.read("chat", { from: 5, maxUnits: 5, epoch }));
  expect(await read(follower, newer)).toMatchObject({ status: "page", page: { text: " text" } });

  background(newer.finish("done"), () => undefined);
  await read(olderFollower, older);

  expect(newer.producer.isFenced).toBe(false);
  const last = { epoch: newer.epoch, text: " text", end: "done" };
  expect(await read(follower, newer)).toMatchObject({ status: "page", page: last });
});

test("reads that arrive while the record is looked at are answered like the first, and condemn nobody (G4)", async () => {
  const scene = new RelayScene();
  const failed = await scene.produce(scene.relay({ aheadMs: 10_000 }), { text: "" });
  await scene.within(VERDICT_MS, failed.finish("failed"));
  const slow = withRecords((records) => ({
    get: (key) => sleep(scene.clock, 5).then(() => records.get(key)),
  }));
  const running = await scene.produce(scene.relay({ port: slow }), { text: "x".repeat(100) });
  expect(running.epoch).toBeLessThan(failed.epoch);

  // They have read the record just before.
  const relay = await scene.followingRelay();
  const reads = Array.from({ length: 12 }, (_, from) =>
    relay.read("chat", { from, maxUnits: 1, epoch: failed.epoch }),
  );
  const results = await scene.within(VERDICT_MS, Promise.all(reads));

  expect(running.producer.isFenced).toBe(false);
  expect(await relay.peek("chat")).toEqual({ status: "running", epoch: running.epoch });
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["lost"]));
});

test("a claim that isn't written yet answers no follower of the producer that runs (G5)", async () => {
  const scene = new RelayScene();
  const running = await scene.produce(scene.relay(), { text: "hello" });
  let isNextLost = false;
  const relay = await scene.followingRelay({
    hears: (_, message) => {
      const frame = parseFrame(message);
      const isLost = isNextLost && frame?.type === "page" && frame.page.epoch === running.epoch;
      if (isLost) isNextLost = false;
      return !isLost;
    },
  });
  const writing = createDeferred<never>();
  const claiming = scene.produce(
    scene.relay({ port: withRecords(() => ({ replace: () => writing.promise })) }),
    { text: "", mode: "supersede" },
  );
  background(claiming, () => undefined);
  await scene.pass(50);

  isNextLost = true;
  const reading = relay.read("chat", { from: 5, maxUnits: 10, epoch: running.epoch });
  expect(await scene.within(VERDICT_MS, reading)).toMatchObject({
    status: "page",
    page: { epoch: running.epoch, from: 5, tail: 5 },
  });

  writing.reject(new Error("OOM command not allowed"));
  await expect(scene.within(VERDICT_MS, claiming)).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  expect(running.producer.isFenced).toBe(false);
});

/** A producer that has ended and stays for its follower, and one that has taken the stream over. */
async function superseded(
  scene: RelayScene,
  { end, newer }: { end: "done" | "stopped"; newer?: ProcessOptions },
): Promise<Produced> {
  const older = await scene.produce(scene.relay(), { text: "hello" });
  const follower = await scene.followingRelay();
  await follower.read("chat", { from: 0, maxUnits: 1, epoch: older.epoch });
  background(older.finish(end), () => undefined);
  await scene.pass(50);
  return scene.produce(scene.relay(newer), { text: "other", mode: "supersede" });
}

test("a stop is answered by the producer that runs, not by one that stays for its followers (G6)", async () => {
  const scene = new RelayScene();
  const { producer } = await superseded(scene, { end: "done" });
  const isStopped = await scene.within(
    VERDICT_MS,
    scene.relay().stop("chat", { reason: undefined, epoch: undefined }),
  );
  expect({ isStopped, hasStopped: producer.isStopped }).toEqual({ isStopped: true, hasStopped: true });
});

test("a stop that got lost on its way isn't answered by a producer that was stopped before (G6)", async () => {
  const scene = new RelayScene();
  let isLost = false;
  const losesOne: ProcessOptions = {
    hears: (_, message) => {
      if (isLost || parseRequest(message)?.type !== "stop") return true;
      isLost = true;
      return false;
    },
  };
  const { producer } = await superseded(scene, { end: "stopped", newer: losesOne });
  const isStopped = await scene.within(
    VERDICT_MS,
    scene.relay().stop("chat", { reason: undefined, epoch: undefined }),
  );
  expect(isLost).toBe(true);
  expect({ isStopped, hasStopped: producer.isStopped }).toEqual({ isStopped: true, hasStopped: true });
});

test.each(["done", "stopped"] as const)(
  "who asks when its producer has gone is told which text was %s (G4, G6)",
  async (end) => {
    const scene = new RelayScene();
    const ended = await scene.produce(scene.relay(), { text: "hello" });
    await scene.within(VERDICT_MS, ended.finish(end));
    const follower = await scene.followingRelay();
    const read = (epoch: number | undefined) =>
      scene.within(VERDICT_MS, follower.read("chat", { from: 5, maxUnits: 5, epoch }));
    const last = { epoch: ended.epoch, tail: 5, end };
    expect(await read(ended.epoch)).toEqual({ status: "done", last });
    expect(await read(undefined)).toEqual({ status: "done" });
  },
);

test("a producer that stays for its followers answers those of the one before it (G4)", async () => {
  const scene = new RelayScene();
  const older = await scene.produce(scene.relay(), { text: "" });
  const newer = await scene.produce(scene.relay(), { text: "other text", mode: "supersede" });
  const [follower, olderFollower] = [await scene.followingRelay(), await scene.followingRelay()];
  const read = (relay: Transport, { epoch }: Produced) =>
    scene.within(VERDICT_MS, relay.read("chat", { from: 0, maxUnits: 5, epoch }));
  await read(follower, newer);

  background(newer.finish("done"), () => undefined);
  await scene.pass(200);

  const page = { epoch: newer.epoch, text: "other", tail: 10 };
  expect(await read(olderFollower, older)).toMatchObject({ status: "page", page });
});

test("a producer that stays for its followers leaves those of the next one alone, if its clock lags (G5)", async () => {
  const scene = new RelayScene();
  const older = await scene.produce(scene.relay({ aheadMs: 10_000 }), { text: "hello" });
  const follower = await scene.followingRelay();
  await follower.read("chat", { from: 0, maxUnits: 1, epoch: older.epoch });
  background(older.finish("done"), () => undefined);
  await scene.pass(50);
  let isDeaf = true;
  const newer = await scene.produce(scene.relay({ hears: () => !isDeaf }), {
    text: "other",
    mode: "supersede",
  });
  expect(newer.epoch).toBeLessThan(older.epoch);

  const newerFollower = await scene.followingRelay();
  const reading = newerFollower.read("chat", { from: 0, maxUnits: 5, epoch: newer.epoch });
  await scene.pass(300);
  isDeaf = false;
  const page = { epoch: newer.epoch, text: "other" };
  expect(await scene.within(VERDICT_MS, reading)).toMatchObject({ status: "page", page });
});

test("who asks after a producer whose successor is done, and has the lower number, is told that it is lost (G4)", async () => {
  const scene = new RelayScene();
  const failed = await scene.produce(scene.relay({ aheadMs: 10_000 }), { text: "" });
  await scene.within(VERDICT_MS, failed.finish("failed"));
  const newer = await scene.produce(scene.relay(), { text: "other" });
  expect(newer.epoch).toBeLessThan(failed.epoch);
  const follower = await scene.followingRelay();
  await follower.read("chat", { from: 0, maxUnits: 1, epoch: newer.epoch });
  background(newer.finish("done"), () => undefined);
  await scene.pass(50);

  const olderFollower = await scene.followingRelay();
  const reading = olderFollower.read("chat", { from: 0, maxUnits: 5, epoch: failed.epoch });
  expect(await scene.within(VERDICT_MS, reading)).toEqual({ status: "lost" });
});

test("an end that comes right behind a claim is written once the producer before it knows (G13)", async () => {
  const scene = new RelayScene();
  const older = await scene.produce(scene.relay(), { text: "hello" });
  const slowly = (port: PublishPort): PublishPort => ({
    ...port,
    publish: async (channel, message) => {
      const isFence = parseRequest(message)?.type === "fence";
      // The server has it, and answers; who is subscribed gets it a little later.
      if (isFence)
        background(
          sleep(scene.clock, 40).then(() => port.publish(channel, message)),
          () => undefined,
        );
      return isFence ? 2 : port.publish(channel, message);
    },
  });
  const newer = await scene.produce(scene.relay({ port: slowly }), { text: "", mode: "supersede" });
  let knew: boolean | undefined;
  newer.producer.backlog.finish("done");
  const finishing = newer.claim.finish(
    () => newer.producer.read(0, 0),
    () => (knew = older.producer.isFenced),
  );
  expect((await scene.relay().peek("chat")).status).toBe("running");
  await scene.within(VERDICT_MS, finishing);
  expect(knew).toBe(true);
});
