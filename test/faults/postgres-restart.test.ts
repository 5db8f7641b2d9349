// Row: Postgres is killed and started again in the middle of streams, one followed and one not.

import { expect, it } from "vitest";
import { PostgresScene } from "../support/scene.ts";
import { until } from "../support/wait.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";

const steady = (label: string): SourceSpec => ({ label, chunks: 400, everyMs: 10 });

it(
  "killed and restarted: original readers untouched, followers and later readers have the whole text (G1, G2)",
  { timeout: 60_000 },
  async () => {
    await using scene = await PostgresScene.open();
    const [producer, follower] = await Promise.all([scene.worker(), scene.worker()]);
    const [followed, alone] = [steady("followed"), steady("alone")];
    await producer.reads({
      read: "followed",
      call: "resumableStream",
      streamId: "followed",
      source: followed,
    });
    await producer.reads({ read: "alone", call: "resumableStream", streamId: "alone", source: alone });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "followed" });
    await follower.ask("reached", { read: "follower", length: 500 });

    await scene.postgres.kill();
    await producer.ask("reached", { read: "alone", length: 3_000 });
    await scene.postgres.launch();
    // Whoever comes before this process has its database back is told so after 50 ms (G16).
    await until(() => follower.ask("has", { streamId: "alone" }).catch(() => undefined), {
      what: "the database to be back",
    });
    await follower.reads({ read: "late", call: "resumeExistingStream", streamId: "alone" });

    for (const [read, source] of [
      ["followed", followed],
      ["alone", alone],
    ] as const) {
      const reading = await producer.ended(read, 15_000);
      expect(reading).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
      expect(reading.longestWaitMs).toBeLessThan(500);
    }
    expect(await follower.ended("follower", 15_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(followed),
    });
    expect(await follower.ended("late", 15_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(alone),
    });
    await producer.settled(15_000);
    expect(await follower.ask("has", { streamId: "alone" })).toBe("DONE");
    expect(await scene.troubles()).toEqual([]);
  },
);
