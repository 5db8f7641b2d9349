// Row: a follower that reads slower than the source gives.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import { Scene } from "../support/scene.ts";
import { sha256 } from "../support/reading.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";

const megabyte = 1_000_000;
const source: SourceSpec = { label: "big", chunks: 6_000, everyMs: 0, chunkLength: 10_000, holdAfter: 100 };
const length = 60 * megabyte;

describe.each(FAULT_CLIENTS)("a slow follower, over %s", (clients) => {
  it(
    "reading 20 chunks/s of a 60 MB stream holds under 10 MB of it, and loses nothing (G1, G9)",
    { timeout: 90_000 },
    async () => {
      await using scene = await Scene.open(clients);
      const [producer, follower] = await Promise.all([scene.worker(), scene.worker()]);
      const start = { call: "resumableStream", streamId: "s", source, keep: "digest" } as const;
      await producer.reads({ ...start, read: "primary" });
      // What the first followed text loads and allocates once isn't what this measures.
      await follower.reads({ read: "warm", call: "resumeExistingStream", streamId: "s", keep: "digest" });
      await follower.ask("reached", { read: "warm", length: megabyte });
      await follower.ask("leave", { read: "warm" });
      const { memoryBytes: before } = await follower.ask("vitals");

      await follower.reads({
        read: "slow",
        call: "resumeExistingStream",
        streamId: "s",
        keep: "digest",
        readsPerSecond: 20,
      });
      await producer.ask("release", { label: "big" });
      let most = 0;
      const sample = async (): Promise<number> => {
        const { memoryBytes } = await follower.ask("vitals");
        most = Math.max(most, memoryBytes - before);
        return (await follower.ask("reading", { read: "slow" })).length;
      };
      const finished = producer.ended("primary", 60_000);
      let sourceEnded = false;
      void finished.then(() => {
        sourceEnded = true;
      });
      await until(async () => (await sample()) >= 0 && sourceEnded, {
        what: "the source's end",
        withinMs: 60_000,
      });
      const afterEnd = await sample();
      expect(afterEnd).toBeLessThan(length);
      for (const more of [1, 2, 3]) {
        await until(async () => (await sample()) > Math.min(afterEnd + more * 100_000, length - 1), {
          what: "the slow follower's progress",
          withinMs: 20_000,
        });
      }
      expect(most).toBeLessThan(10 * megabyte);

      await follower.ask("hurry", { read: "slow" });
      const reading = await follower.ended("slow", 30_000);
      expect(reading).toMatchObject({ end: { kind: "clean" }, length, sha256: sha256(sourceText(source)) });
      expect((await finished).sha256).toBe(reading.sha256);
      await producer.settled(15_000);
      expect(await scene.troubles()).toEqual([]);
    },
  );
});
