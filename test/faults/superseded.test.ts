// Row: a stream is taken over, from a producer that runs and from one that was frozen and wakes up later.

import { describe, expect, it } from "vitest";
import { manualSource } from "../../src/testing/manual-source.ts";
import { within } from "../support/wait.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { FAULT_CLIENTS } from "../support/clients.ts";
import { openContext } from "../support/contexts.ts";
import type { WorkerProcess } from "../support/process.ts";
import { RedisServer } from "../support/redis-server.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";

const older: SourceSpec = { label: "older", chunks: 150, everyMs: 10 };
const newer: SourceSpec = { label: "newer", chunks: 100, everyMs: 5, holdAfter: 50 };
const lost = { kind: "error", error: { code: "PRODUCER_LOST" } };

describe.concurrent.each(FAULT_CLIENTS)("a superseded producer, over %s", (clients) => {
  it("two createNewResumableStream of one id: followers get the newer text only, and its end (G5)", async () => {
    await using scene = await Scene.open(clients);
    const [first, second, follower] = await Promise.all([scene.worker(), scene.worker(), scene.worker()]);
    await first.reads({ read: "older", call: "createNewResumableStream", streamId: "s", source: older });
    await follower.reads({ read: "of older", call: "resumeExistingStream", streamId: "s" });
    await follower.ask("reached", { read: "of older", length: 200 });

    await second.reads({ read: "newer", call: "createNewResumableStream", streamId: "s", source: newer });
    await follower.reads({ read: "of newer", call: "resumeExistingStream", streamId: "s" });
    // Whether the older source may finish or is cancelled: its reader gets nothing but its own text, and an end.
    const own = await first.ended("older", 10_000);
    expect(sourceText(older).startsWith(own.text ?? "no text")).toBe(true);
    const left = await follower.ended("of older", 8_000);
    expect(sourceText(older).startsWith(left.text ?? "no text")).toBe(true);
    expect(left.end).toMatchObject(lost);
    await first.settled(10_000);

    await expectUntouched(second, follower);
    expect(await scene.troubles()).toEqual([]);
  });

  it(
    "frozen, taken over by createNewResumableStream, thawed: it adds nothing and ends nothing (G5)",
    { timeout: 40_000 },
    async () => {
      await using scene = await Scene.open(clients);
      const [first, second, follower] = await Promise.all([scene.worker(), scene.worker(), scene.worker()]);
      await first.reads({ read: "older", call: "resumableStream", streamId: "s", source: older });
      await first.ask("reached", { read: "older", length: 200 });
      first.freeze();

      await second.reads({ read: "newer", call: "createNewResumableStream", streamId: "s", source: newer });
      await follower.reads({ read: "of newer", call: "resumeExistingStream", streamId: "s" });
      first.thaw();
      await first.ended("older", 10_000);
      await first.settled(10_000);

      await expectUntouched(second, follower);
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it(
    "frozen, found dead by its follower, taken over, thawed: it adds nothing and ends nothing (G4, G5)",
    { timeout: 40_000 },
    async () => {
      await using scene = await Scene.open(clients);
      const [first, second, follower] = await Promise.all([scene.worker(), scene.worker(), scene.worker()]);
      await first.reads({ read: "older", call: "resumableStream", streamId: "s", source: older });
      await follower.reads({ read: "of older", call: "resumeExistingStream", streamId: "s" });
      await follower.ask("reached", { read: "of older", length: 200 });
      first.freeze();

      const left = await follower.ended("of older", 8_000);
      expect(sourceText(older).startsWith(left.text ?? "no text")).toBe(true);
      expect(left.end).toMatchObject(lost);
      await second.reads({ read: "newer", call: "resumableStream", streamId: "s", source: newer });
      expect(await second.ask("source", { label: "newer" })).toMatchObject({ made: 1 });
      await follower.reads({ read: "of newer", call: "resumeExistingStream", streamId: "s" });
      first.thaw();
      await first.ended("older", 10_000);
      await first.settled(10_000);

      await expectUntouched(second, follower);
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it("a record of 2040, by a clock that was wrong: it is replaced in one step, and its follower is served (G5, G7)", async () => {
    await using redis = await RedisServer.start();
    await using opened = await openContext({ clients, url: redis.url, options: { keyPrefix: "p" } });
    await using other = await openContext({ clients, url: redis.url, options: { keyPrefix: "p" } });
    // Epochs count eighths of milliseconds and finer, since 2020.
    const epoch = (Date.UTC(2040, 0) - Date.UTC(2020, 0)) * 8_192;
    await redis.command("SET", "p:rs:sentinel:s", `e${epoch}`);
    const source = manualSource();
    const created = opened.context.createNewResumableStream("s", source.makeStream);
    const reading = read(await within(4_000, "the new stream", created));
    const following = read(await other.context.resumeExistingStream("s"));
    source.push("text");
    source.end();
    for (const each of [reading, following]) await expectClosed(each, "text");
    expect((await redis.commandCounts())["set"]).toBeLessThan(10);
    expect([...opened.errors, ...other.errors]).toEqual([]);
  });

  it("twenty producers of one id, each with its reader and a follower elsewhere, warn of no leak", async () => {
    const warnings: string[] = [];
    const warn = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", warn);
    await using redis = await RedisServer.start();
    await using opened = await openContext({ clients, url: redis.url });
    await using other = await openContext({ clients, url: redis.url });
    const readings = [];
    const sources = [];
    for (let n = 0; n < 20; n++) {
      const source = manualSource();
      sources.push(source);
      readings.push(read(await opened.context.createNewResumableStream("s", source.makeStream)));
      read(await other.context.resumeExistingStream("s"));
    }
    for (const source of sources) source.push("text");
    for (const source of sources) source.end();
    for (const reading of readings) await expectClosed(reading, "text");
    process.off("warning", warn);
    expect(warnings).toEqual([]);
  });
});

/** The older producer is gone for good, the newer is in the middle: nothing of it may be missing, added or ended. */
async function expectUntouched(second: WorkerProcess, follower: WorkerProcess): Promise<void> {
  expect(await follower.ask("has", { streamId: "s" })).toBe(true);
  await follower.reads({ read: "latecomer", call: "resumeExistingStream", streamId: "s" });
  await second.ask("release", { label: "newer" });
  for (const reading of [
    await second.ended("newer", 10_000),
    await follower.ended("of newer", 10_000),
    await follower.ended("latecomer", 10_000),
  ]) {
    expect(reading).toMatchObject({ end: { kind: "clean" }, text: sourceText(newer) });
  }
  await second.settled(10_000);
  expect(await follower.ask("has", { streamId: "s" })).toBe("DONE");
}
