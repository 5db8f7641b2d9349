// When silence is death, and when it is this process's own.

import { expect, onTestFinished, test } from "vitest";
import { turns } from "../../../src/testing/reading.ts";
import { encodePages, parseRequest } from "../../../src/transports/relay/protocol.ts";
import type { ReadResult } from "../../../src/port/transport.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { ACK_TIMEOUT_MS, RelayScene } from "./scene.ts";

interface Scene {
  clock: ManualClock;
  pass: (ms: number) => Promise<void>;
  /** The read of a follower whose producer says nothing by itself. */
  reading: Promise<ReadResult>;
  isClaimed: () => Promise<boolean>;
  /** Has the producer answer the last request. */
  answer: (text: string) => Promise<void>;
}

async function openScene(): Promise<Scene> {
  const scene = new RelayScene();
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
    clock,
    pass: (ms) => scene.pass(ms),
    reading: transport.read("chat", { from: 0, maxUnits: 100, epoch: 7 }),
    isClaimed: async () => (await server.records.get(names.record("chat"))).status === "claimed",
    answer: async (text) => {
      const request = parseRequest(requests.at(-1) ?? "");
      if (request?.type !== "read") throw new Error("The last request is no read.");
      const reply = { requestId: request.requestId, by: "producer" };
      for (const frame of encodePages({ from: 0, text, tail: text.length }, 7, reply)) {
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
