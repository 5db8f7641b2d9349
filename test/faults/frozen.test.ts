// Row: the producer's process is frozen (SIGSTOP, a suspended machine), right after its response or in the middle.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import { PostgresScene, Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";

const short: SourceSpec = { label: "short", chunks: 20, everyMs: 5 };
const endless: SourceSpec = { label: "endless", chunks: "endless", everyMs: 5 };

const openers = [
  ...FAULT_CLIENTS.map((clients) => ({ over: clients as string, open: () => Scene.open(clients) })),
  { over: "postgres", open: () => PostgresScene.open() },
  { over: "redis that keeps the text", open: () => Scene.keeping("redis-6") },
];

describe.concurrent.each(openers)("over $over", ({ open }) => {
  it("frozen right after its reader was given the end: every other process finds that end (G13)", async () => {
    await using scene = await open();
    const [producer, other] = await Promise.all([scene.worker(), scene.worker()]);
    for (let round = 0; round < 3; round++) {
      const streamId = `s${round}`;
      const source = { ...short, label: streamId };
      await producer.reads({ read: streamId, call: "createNewResumableStream", streamId, source });
      const ended = await producer.ended(streamId, 5_000);
      producer.freeze();
      expect(ended).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
      expect(await other.ask("has", { streamId })).toBe("DONE");
      expect(await other.ask("stop", { streamId })).toBe(false);
      producer.thaw();
    }
    await producer.settled(8_000);
    expect(await scene.troubles()).toEqual([]);
  });
});

it("over postgres, a producer that is frozen wasn't stopped, and stops once it wakes (G6)", async () => {
  await using scene = await PostgresScene.open();
  const options = { leaseMs: 3_000, ackTimeoutMs: 1_000 };
  const [producer, other] = await Promise.all([scene.worker({ options }), scene.worker({ options })]);
  await producer.reads({ read: "primary", call: "createNewResumableStream", streamId: "s", source: endless });
  await producer.ask("reached", { read: "primary", length: 100 });
  producer.freeze();
  expect(await other.ask("stop", { streamId: "s" })).toBe(false);
  producer.thaw();
  expect((await producer.ended("primary", 8_000)).end).toEqual({ kind: "clean" });
  await producer.settled(8_000);
  expect(await scene.troubles()).toEqual([]);
});
