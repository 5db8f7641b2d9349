// When silence is death, and when it is this process's own.

import { expect, onTestFinished, test } from "vitest";
import { background } from "../../../src/lib/background.ts";
import { turns } from "../../../src/testing/reading.ts";
import { encodePages, parseRequest } from "../../../src/transports/relay/protocol.ts";
import type { ReadResult, Transport } from "../../../src/port/transport.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { ACK_TIMEOUT_MS, RelayScene } from "./scene.ts";

interface Scene {
  transport: Transport;
  clock: ManualClock;
  pass: (ms: number) => Promise<void>;
  /** The read of a follower whose producer says nothing by itself. */
  reading: Promise<ReadResult>;
  isClaimed: () => Promise<boolean>;
  /** Has the producer answer the last request. */
  answer: (text: string) => Promise<void>;
}

async function openScene(scene = new RelayScene()): Promise<Scene> {
  const { bus, clock, names } = scene;
  const server = bus.publishPort();
  const requests: string[] = [];
  await bus.subscribePort().subscribe(names.request("chat"), (message) => requests.push(message));
  await server.records.claimIfFree(names.record("chat"), { epoch: 7, ttlSeconds: 60 });
  const transport = scene.relay();
  const watch = transport.watch("chat", () => undefined);
  onTestFinished(() => watch.close());
  await watch.ready;
  return {
    transport,
    clock,
    pass: (ms) => scene.pass(ms),
    reading: transport.read("chat", { from: 0, maxUnits: 100, epoch: 7 }),
    isClaimed: async () => (await server.records.get(names.record("chat"))).status === "claimed",
    answer: async (text) => {
      const request = parseRequest(requests.at(-1) ?? "");
      if (request?.type !== "read") throw new Error("The last request is no read.");
      const { from } = request;
      const reply = { requestId: request.requestId, by: "producer" };
      for (const frame of encodePages({ from, text, tail: from + text.length }, 7, reply)) {
        await server.publish(names.inbox(request.listenerId), frame);
      }
    },
  };
}

test("a producer that stays silent is dead, and its id free (G4)", async () => {
  const { pass, reading, isClaimed } = await openScene();
  await pass(3 * ACK_TIMEOUT_MS);
  expect(await reading).toEqual({ status: "lost" });
  expect(await isClaimed()).toBe(false);
});

test("a process that was held up takes nobody's silence meanwhile for death (G4)", async () => {
  const { clock, pass, reading, isClaimed, answer } = await openScene();
  // Its connection is proven, and the producer suspected.
  await pass(400);
  for (let times = 0; times < 3; times += 1) {
    clock.stall(5 * ACK_TIMEOUT_MS);
    await turns(2);
    expect(await isClaimed()).toBe(true);
  }
  await answer("it lives");
  expect(await reading).toMatchObject({ status: "page", page: { text: "it lives" } });
});

test("who was held up finds a dead producer all the same (G4)", async () => {
  const { clock, pass, reading } = await openScene();
  await pass(400);
  clock.stall(5 * ACK_TIMEOUT_MS);
  await pass(3 * ACK_TIMEOUT_MS);
  expect(await reading).toEqual({ status: "lost" });
});

/** A follower whose producer has answered once, and says nothing since, while its process answers for another stream, so often. */
async function followBusy(
  everyMs: number,
): Promise<Scene & { answerOther: (forMs: number) => Promise<void> }> {
  const scene = new RelayScene();
  const opened = await openScene(scene);
  await opened.answer("text");
  await opened.reading;
  const server = scene.bus.publishPort();
  await scene.bus.subscribePort().subscribe(scene.names.request("other"), (message) => {
    const request = parseRequest(message);
    if (request?.type !== "read") return;
    const reply = { requestId: request.requestId, by: "producer" };
    for (const frame of encodePages({ from: 0, text: "", tail: 0 }, 9, reply))
      background(server.publish(scene.names.inbox(request.listenerId), frame), () => undefined);
  });
  const reading = opened.transport.read("chat", { from: 4, maxUnits: 100, epoch: 7 });
  return {
    ...opened,
    reading,
    answerOther: async (forMs) => {
      for (let passed = 0; passed < forMs; passed += everyMs) {
        const other = opened.transport.read("other", { from: 0, maxUnits: 100, epoch: 9 });
        await turns(2);
        expect(await other).toMatchObject({ status: "page" });
        await opened.pass(everyMs);
      }
    },
  };
}

test("a process that answers for another stream is busy, and not dead (G4)", async () => {
  const { answer, answerOther, isClaimed, reading } = await followBusy(500);
  await answerOther(4 * ACK_TIMEOUT_MS);
  expect(await isClaimed()).toBe(true);
  await answer("at last");
  expect(await reading).toMatchObject({ status: "page", page: { from: 4, text: "at last" } });
});

test("one that answers for others alone is dead to this stream in the end (G4)", async () => {
  const { answerOther, isClaimed, reading } = await followBusy(500);
  await answerOther(7 * ACK_TIMEOUT_MS);
  expect(await reading).toEqual({ status: "lost" });
  expect(await isClaimed()).toBe(false);
});
