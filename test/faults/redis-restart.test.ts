// Row: Redis restarted, or its pub/sub connections killed thrice, while followed and while not.
// The server keeps nothing on disk: the restart takes the stream's record along, which is the harder case.

import { setTimeout as pass } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import type { ReadingReport } from "../support/reading.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";

const source: SourceSpec = { label: "long", chunks: 250, everyMs: 20 };
const audiences = ["followed", "not followed"] as const;

describe.concurrent.each(FAULT_CLIENTS)("Redis comes and goes, over %s", (clients) => {
  it.for(audiences)(
    "restarted while %s: all have the whole text, and nobody produces twice (G1, G2, G3)",
    async (audience) => {
      await using scene = await Scene.open(clients);
      const survivors = await watch(scene, audience, async () => {
        await scene.redis.restart();
        // The promise is for who comes 2 s after the restart.
        await pass(2_000);
      });
      expectWhole(survivors);
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it.for(audiences)(
    "pub/sub cut thrice while %s: all have the whole text, and nobody produces twice (G1, G2, G3)",
    async (audience) => {
      await using scene = await Scene.open(clients);
      const survivors = await watch(scene, audience, async () => {
        for (let round = 0; round < 3; round += 1) {
          await until(async () => (await scene.redis.killPubSubConnections()) > 0, {
            what: "a connection to cut",
          });
        }
        await pass(1_000);
      });
      expectWhole(survivors);
      expect(await scene.troubles()).toEqual([]);
    },
  );
});

interface Survivors {
  primary: ReadingReport;
  followers: ReadingReport[];
  /** How many produced after the fault. */
  second: number;
  status: null | true | "DONE" | "failed";
}

/** A stream, with a follower or without, then the fault, then somebody who would produce if there were no stream. */
async function watch(
  scene: Scene,
  audience: (typeof audiences)[number],
  fault: () => Promise<void>,
): Promise<Survivors> {
  const [producer, follower, latecomer] = await Promise.all([scene.worker(), scene.worker(), scene.worker()]);
  await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
  const following = audience === "followed" ? [follower, latecomer] : [latecomer];
  if (audience === "followed") {
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await follower.ask("reached", { read: "follower", length: 200 });
  }
  await producer.ask("reached", { read: "primary", length: 400 });

  await fault();
  const second: SourceSpec = { label: "second", chunks: 10, everyMs: 1 };
  await latecomer.reads({ read: "follower", call: "resumableStream", streamId: "s", source: second });
  const { made } = await latecomer.ask("source", { label: "second" });
  const primary = await producer.ended("primary", 10_000);
  const followers = await Promise.all(following.map((worker) => worker.ended("follower", 10_000)));
  await producer.settled(10_000);
  return { primary, followers, second: made, status: await latecomer.ask("has", { streamId: "s" }) };
}

function expectWhole({ primary, followers, second, status }: Survivors): void {
  for (const reading of [primary, ...followers]) {
    expect(reading).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
  }
  // 250 chunks at 20 ms: what Redis goes through is nothing to this reader.
  expect(primary.tookMs).toBeLessThan(250 * 20 + 1_000);
  expect(second).toBe(0);
  expect(status).toBe("DONE");
}
