// Row: a producer's process dies without a word.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { within } from "../support/wait.ts";

const endless: SourceSpec = { label: "killed", chunks: "endless", everyMs: 10 };

describe.concurrent.each(FAULT_CLIENTS)("a killed producer, over %s", (clients) => {
  it("its follower gets the exact prefix, then PRODUCER_LOST within 8 s, and the id has no stream (G1, G4)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, follower] = await Promise.all([scene.worker(), scene.worker()]);
    await producer.reads({
      read: "primary",
      call: "createNewResumableStream",
      streamId: "s",
      source: endless,
    });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    const before = await follower.ask("reached", { read: "follower", length: 500 });

    await producer.kill();
    const { text = "", end } = await follower.ended("follower", 8_000);

    expect(end).toMatchObject({ kind: "error", error: { code: "PRODUCER_LOST" } });
    expect(text.length).toBeGreaterThanOrEqual(before.length);
    expect(sourceText(endless, 5_000).startsWith(text)).toBe(true);
    expect(await follower.ask("has", { streamId: "s" })).toBe(null);
    await follower.settled(5_000);
    expect(await scene.troubles()).toEqual([]);
  });

  it("who comes later is told within 3 s that there is no stream (G4)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, caller] = await Promise.all([scene.worker(), scene.worker()]);
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source: endless });
    await producer.ask("reached", { read: "primary", length: 100 });
    await producer.kill();

    const answer = await caller.start({ read: "late", call: "resumeExistingStream", streamId: "s" });

    expect(answer.outcome).toBe("undefined");
    expect(answer.tookMs).toBeLessThan(3_000);
    expect(await caller.ask("has", { streamId: "s" })).toBe(null);
    expect(await scene.troubles()).toEqual([]);
  });

  it("of six processes that call next exactly one produces, and all six get its whole text (G3, G4)", async () => {
    await using scene = await Scene.open(clients);
    const producer = await scene.worker();
    const callers = await scene.workers(6);
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source: endless });
    await producer.ask("reached", { read: "primary", length: 100 });
    await producer.kill();

    const source: SourceSpec = { label: "again", chunks: 60, everyMs: 5, holdAfter: 20 };
    const answers = await within(
      15_000,
      "six calls",
      Promise.all(
        callers.map((caller) =>
          caller.start({ read: "again", call: "resumableStream", streamId: "s", source }),
        ),
      ),
    );
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 6 }, () => "stream"));
    const reports = await Promise.all(callers.map((caller) => caller.ask("source", { label: "again" })));
    expect(reports.map(({ made }) => made).filter((made) => made > 0)).toEqual([1]);

    await callers[reports.findIndex(({ made }) => made === 1)]?.ask("release", { label: "again" });
    const readings = await Promise.all(callers.map((caller) => caller.ended("again", 10_000)));
    for (const { text, end } of readings) {
      expect(end).toEqual({ kind: "clean" });
      expect(text).toBe(sourceText(source));
    }
    expect(await scene.troubles()).toEqual([]);
  });
});
