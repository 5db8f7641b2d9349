// Row: a stream ends, or its process dies, and the app is to have its text once (G15).

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PostgresScene, Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { takenIn } from "../support/taking.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/wait.ts";

const endless: SourceSpec = { label: "killed", chunks: "endless", everyMs: 5 };
const start = sourceText(endless, 20_000);
const LEASE_MS = 3_000;
const relayOptions = { ackTimeoutMs: 1_000, livenessMs: 1_000 };
const options = { leaseMs: LEASE_MS, ...relayOptions };
/** What an elected one has is short: the app's time, and three statements'. */
const quick = { ...options, claimTimeoutMs: 500, onEndTimeoutMs: 1_000 };

/** A file for what is taken, and one that lets go of it. */
function files(): { file: string; holdFile: string; letGo: () => void } {
  const folder = temporaryFolder("hand-over");
  const holdFile = join(folder, "go");
  return { file: join(folder, "taken"), holdFile, letGo: () => writeFileSync(holdFile, "") };
}

const logs = [
  { over: "Postgres", open: () => PostgresScene.open() },
  { over: "Redis that keeps the text", open: () => Scene.keeping("ioredis-6") },
];

describe.concurrent.each(logs)("over $over", { timeout: 60_000 }, ({ open }) => {
  it("a killed producer: one of many that ask is elected, and is given all that was kept; nobody is told the end before", async () => {
    await using scene = await open();
    const { file, holdFile, letGo } = files();
    const takes = { options, onEnd: { file, holdFile } };
    const producer = await scene.worker({ options, onEnd: { file } });
    const others = await scene.workers(3, takes);
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
    const [follower, ...askers] = others;
    await follower?.reads({ read: "f", call: "resumeExistingStream", streamId: "s" });
    await follower?.ask("reached", { read: "f", length: 1_000 });
    await producer.kill();

    await until(() => takenIn(file).length > 0, { what: "the election", withinMs: 2 * LEASE_MS + 3_000 });
    for (const asker of askers) {
      const isRunning = await asker.ask("has", { streamId: "s" });
      expect(isRunning).toBe(true);
      await asker.reads({ read: "late", call: "resumeExistingStream", streamId: "s" });
      await asker.ask("reached", { read: "late", length: 1_000 });
    }
    letGo();
    const { text = "", end } = (await follower?.ended("f", 5_000)) ?? {};
    expect(end).toMatchObject({ kind: "error", error: { code: "PRODUCER_LOST" } });
    for (const asker of askers) {
      expect(await asker.ended("late", 5_000)).toMatchObject({ text });
      expect(await asker.ask("has", { streamId: "s" })).toBe("failed");
    }
    const taken = takenIn(file);
    expect(taken.map((each) => ({ end: each.end, text: each.text, streamId: each.streamId }))).toEqual([
      { end: "lost", text, streamId: "s" },
    ]);
    expect(start.startsWith(text)).toBe(true);
    expect(taken[0]?.generation).toMatch(/^[0-9a-z]+$/);
    expect(await scene.troubles()).toEqual([]);
  });

  it("a process that is killed while its app takes the text: another is elected, and none after that", async () => {
    await using scene = await open();
    const { file, holdFile } = files();
    const source: SourceSpec = { label: "done", chunks: 20, everyMs: 2 };
    const producer = await scene.worker({ options, onEnd: { file, holdFile } });
    const [second, third] = await scene.workers(2, { options, onEnd: { file } });
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source });
    await until(() => takenIn(file).length === 1, { what: "the producer's own hand-over" });
    expect(takenIn(file)[0]).toMatchObject({ end: "done", text: sourceText(source) });
    expect(await second?.ask("has", { streamId: "s" })).toBe(true);
    await producer.kill();
    await until(async () => (await second?.ask("has", { streamId: "s" })) === "failed", {
      what: "its loss",
      withinMs: 2 * LEASE_MS,
    });
    expect(await third?.ask("has", { streamId: "s" })).toBe("failed");
    const again = takenIn(file).slice(1);
    expect(again.map(({ end, text }) => ({ end, text }))).toEqual([
      { end: "lost", text: sourceText(source) },
    ]);
    expect(new Set(takenIn(file).map(({ generation }) => generation)).size).toBe(1);
    expect(await scene.troubles()).toEqual([]);
  });

  it("an elected process that is killed in its turn is followed by another", async () => {
    await using scene = await open();
    const { file, holdFile } = files();
    const producer = await scene.worker({ options: quick, onEnd: { file } });
    const [elected, next] = [
      await scene.worker({ options: quick, onEnd: { file, holdFile } }),
      await scene.worker({ options: quick, onEnd: { file } }),
    ];
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
    await producer.ask("reached", { read: "r", length: 500 });
    await producer.kill();
    const asking = until(async () => (await elected.ask("has", { streamId: "s" })) === "failed", {
      what: "an answer that never comes",
      withinMs: 20_000,
    });
    asking.catch(() => undefined);
    await until(() => takenIn(file).length === 1, { what: "the election", withinMs: 2 * LEASE_MS });
    await elected.kill();
    await until(async () => (await next.ask("has", { streamId: "s" })) === "failed", {
      what: "the second election",
      withinMs: 10_000,
    });
    const taken = takenIn(file);
    expect(taken.length).toBe(2);
    expect(taken[1]?.text).toBe(taken[0]?.text);
    expect(await next.ask("has", { streamId: "s" })).toBe("failed");
    expect(takenIn(file).length).toBe(2);
  });

  it("a process that is killed while its app takes the text of a claim that it superseded: another is elected for that, and none after it", async () => {
    await using scene = await open();
    const { file, holdFile } = files();
    const producer = await scene.worker({ options: quick, onEnd: { file } });
    const [second, third] = [
      await scene.worker({ options: quick, onEnd: { file, holdFile } }),
      await scene.worker({ options: quick, onEnd: { file } }),
    ];
    const call = "createNewResumableStream";
    await producer.reads({ read: "r", call, streamId: "s", source: endless });
    await producer.ask("reached", { read: "r", length: 500 });
    await producer.kill();
    await second.reads({ read: "r", call, streamId: "s", source: endless });
    await until(() => takenIn(file).length === 1, { what: "the first election", withinMs: 3 * LEASE_MS });
    await second.kill();

    await third.reads({ read: "r", call, streamId: "s", source: endless });
    // Of each superseded claim.
    const generations = (): Set<string> => new Set(takenIn(file).map(({ generation }) => generation ?? ""));
    await until(() => takenIn(file).length === 3 && generations().size === 2, {
      what: "both texts",
      withinMs: 4 * LEASE_MS,
    });
    const [first] = takenIn(file);
    const again = takenIn(file).filter(({ generation }) => generation === first?.generation);
    expect(again.map(({ end, text }) => ({ end, text }))).toEqual([
      { end: "lost", text: first?.text },
      { end: "lost", text: first?.text },
    ]);
    expect(start.startsWith(first?.text ?? "nothing")).toBe(true);
    await third.reads({ read: "f", call, streamId: "s", source: { ...endless, label: "later" } });
    await until(() => takenIn(file).length === 4, { what: "the text of the third", withinMs: 3 * LEASE_MS });
    expect(takenIn(file).filter(({ generation }) => generation === first?.generation).length).toBe(2);
    expect(await scene.troubles()).toEqual([]);
  });

  it("a dead producer's stream that is produced anew: the app has the older text first, and once", async () => {
    await using scene = await open();
    const { file } = files();
    const takes = { options, onEnd: { file } };
    const [producer, other] = [await scene.worker(takes), await scene.worker(takes)];
    const source: SourceSpec = { label: "new", chunks: 10, everyMs: 2 };
    for (const call of ["resumableStream", "createNewResumableStream"] as const) {
      const streamId = call;
      const victim = call === "resumableStream" ? producer : await scene.worker(takes);
      await victim.reads({ read: call, call: "createNewResumableStream", streamId, source: endless });
      await victim.ask("reached", { read: call, length: 2_000 });
      await victim.kill();
      const before = takenIn(file).length;
      // Superseding doesn't wait for a lease: whoever did it sees to the older text once that would have lapsed.
      await until(
        async () => {
          const started = await other.start({ read: `new ${call}`, call, streamId, source });
          if (started.outcome !== "stream") return false;
          return (await other.ask("source", { label: "new" })).made > before / 2;
        },
        { what: "the new stream", withinMs: 3 * LEASE_MS },
      );
      await until(() => takenIn(file).filter((each) => each.streamId === streamId).length === 2, {
        what: "both texts",
        withinMs: 3 * LEASE_MS,
      });
      const taken = takenIn(file).filter((each) => each.streamId === streamId);
      const lost = taken.find(({ end }) => end === "lost");
      expect(start.startsWith(lost?.text ?? "nothing")).toBe(true);
      expect(lost?.text?.length).toBeGreaterThan(0);
      expect(taken.find(({ end }) => end === "done")?.text).toBe(sourceText(source));
    }
    expect(await scene.troubles()).toEqual([]);
  });

  it("an app that fails is told once more by whoever asks next, and then no more", async () => {
    await using scene = await open();
    const { file } = files();
    const source: SourceSpec = { label: "done", chunks: 5, everyMs: 1 };
    const producer = await scene.worker({ options, onEnd: { file, failures: 1 } });
    const other = await scene.worker({ options, onEnd: { file, failures: 9 } });
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source });
    expect(await producer.ended("r", 5_000)).toMatchObject({ end: { kind: "clean" } });
    await until(async () => (await other.ask("has", { streamId: "s" })) === "DONE", { what: "the end" });
    expect(await other.ask("has", { streamId: "s" })).toBe("DONE");
    const taken = takenIn(file);
    expect(taken.map(({ text }) => text)).toEqual([sourceText(source), sourceText(source)]);
    expect(new Set(taken.map(({ pid }) => pid)).size).toBe(2);
    const { errors } = await other.ask("vitals");
    expect(errors.map(({ code }) => code)).toEqual(["ON_END_FAILED"]);
  });

  it("a frozen producer that was taken for dead writes nothing when it wakes, and hands nothing over", async () => {
    await using scene = await open();
    const { file } = files();
    const takes = { options, onEnd: { file } };
    const [producer, other] = [await scene.worker(takes), await scene.worker(takes)];
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
    await producer.ask("reached", { read: "r", length: 500 });
    producer.freeze();
    await until(async () => (await other.ask("has", { streamId: "s" })) === "failed", {
      what: "its loss",
      withinMs: 3 * LEASE_MS,
    });
    producer.thaw();
    await until(async () => (await producer.ask("vitals")).errors.some(({ code }) => code === "FENCED"), {
      what: "its waking",
      withinMs: 5_000,
    });
    expect(await other.ask("has", { streamId: "s" })).toBe("failed");
    expect(takenIn(file).length).toBe(1);
    expect(await scene.troubles()).toEqual([]);
  });
});

describe.concurrent("over Redis", { timeout: 60_000 }, () => {
  it("a killed producer: who frees its claim calls without text, once", async () => {
    await using scene = await Scene.open("redis-6");
    const { file } = files();
    const takes = { options: relayOptions, onEnd: { file } };
    const [producer, ...others] = await scene.workers(4, takes);
    if (!producer) throw new Error("there are four workers");
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
    await producer.ask("reached", { read: "r", length: 500 });
    await producer.kill();
    const answers = await Promise.all(others.map((other) => other.ask("has", { streamId: "s" })));
    expect(answers).toEqual([null, null, null]);
    expect(takenIn(file)).toMatchObject([{ streamId: "s", end: "lost" }]);
    expect(takenIn(file)[0]).not.toHaveProperty("text");
    expect(await scene.troubles()).toEqual([]);
  });

  it("a stop from another process is answered once the app has the text, however long that takes", async () => {
    await using scene = await Scene.open("ioredis-6");
    const { file, holdFile, letGo } = files();
    const producer = await scene.worker({ options: relayOptions, onEnd: { file, holdFile } });
    const other = await scene.worker({ options: relayOptions });
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
    await producer.ask("reached", { read: "r", length: 500 });
    const stopping = other.ask("stop", { streamId: "s" });
    await until(() => takenIn(file).length === 1, { what: "the hand-over" });
    // Longer than a silent producer would live: it says that it is at work.
    const heldUntil = performance.now() + 4 * options.ackTimeoutMs;
    while (performance.now() < heldUntil) expect(await other.ask("has", { streamId: "s" })).toBe(true);
    letGo();
    expect(await stopping).toBe(true);
    expect(await other.ask("has", { streamId: "s" })).toBe("DONE");
    expect(takenIn(file).length).toBe(1);
    expect(await producer.ended("r", 5_000)).toMatchObject({ end: { kind: "clean" } });
  });
});
