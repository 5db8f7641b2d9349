// Rows: a stream is stopped, from any process; a reader leaves; a context is closed.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";

const endless: SourceSpec = { label: "endless", chunks: "endless", everyMs: 5 };
const startOf = sourceText(endless, 5_000);

describe.concurrent.each(FAULT_CLIENTS)("ends that someone asked for, over %s", (clients) => {
  it("stopStream from another process: all get the text so far and a clean end, the id is done (G6, G12)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, follower, other] = await Promise.all([scene.worker(), scene.worker(), scene.worker()]);
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source: endless });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await follower.ask("reached", { read: "follower", length: 300 });

    expect(await other.ask("stop", { streamId: "s", reason: "enough" })).toBe(true);
    const [primary, followed] = await Promise.all([
      producer.ended("primary", 5_000),
      follower.ended("follower", 5_000),
    ]);
    expect(primary.end).toEqual({ kind: "clean" });
    expect(followed.end).toEqual({ kind: "clean" });
    expect(followed.text).toBe(primary.text);
    expect(startOf.startsWith(primary.text ?? "no text")).toBe(true);
    const source = await producer.ask("source", { label: "endless" });
    expect(source).toMatchObject({ aborted: true, closed: false });
    expect(source.cancelled).toContain("enough");
    await producer.settled(8_000);
    expect(await other.ask("has", { streamId: "s" })).toBe("DONE");
    expect(await other.ask("stop", { streamId: "s" })).toBe(false);
    expect((await other.start({ read: "late", call: "resumeExistingStream", streamId: "s" })).outcome).toBe(
      "null",
    );
    expect(await scene.troubles()).toEqual([]);
  });

  it("stopStream of a stream nobody follows, and of none (G6)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, other] = await Promise.all([scene.worker(), scene.worker()]);
    await producer.reads({
      read: "primary",
      call: "createNewResumableStream",
      streamId: "s",
      source: endless,
    });
    expect(await other.ask("stop", { streamId: "s" })).toBe(true);
    expect((await producer.ended("primary", 5_000)).end).toEqual({ kind: "clean" });
    expect(await other.ask("stop", { streamId: "none" })).toBe(false);
    await producer.settled(8_000);
    expect(await scene.troubles()).toEqual([]);
  });

  it("a reader that leaves stops nothing: the others get the whole text (G12)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, follower, leaver] = await Promise.all([scene.worker(), scene.worker(), scene.worker()]);
    const source: SourceSpec = { label: "left", chunks: 200, everyMs: 5, holdAfter: 100 };
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await leaver.reads({ read: "leaver", call: "resumeExistingStream", streamId: "s" });
    await leaver.ask("reached", { read: "leaver", length: 100 });
    await leaver.ask("leave", { read: "leaver" });
    await producer.ask("reached", { read: "primary", length: 200 });
    await producer.ask("leave", { read: "primary" });
    await producer.ask("release", { label: "left" });

    expect(await follower.ended("follower", 10_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(source),
    });
    const report = await producer.ask("source", { label: "left" });
    expect(report).toEqual({ made: 1, given: 200, aborted: false, closed: true });
    await producer.settled(8_000);
    expect(await leaver.ask("has", { streamId: "s" })).toBe("DONE");
    expect(await scene.troubles()).toEqual([]);
  });

  it("with nobody reading at all, the source still runs to its end (G12)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, latecomer] = await Promise.all([scene.worker(), scene.worker()]);
    const source: SourceSpec = { label: "alone", chunks: 100, everyMs: 10, holdAfter: 50 };
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
    await producer.ask("leave", { read: "primary" });
    await latecomer.reads({ read: "late", call: "resumeExistingStream", streamId: "s" });
    await producer.ask("release", { label: "alone" });
    expect(await latecomer.ended("late", 10_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(source),
    });
    expect(await scene.troubles()).toEqual([]);
  });

  it("a context closed in the middle of a followed stream: everyone is told, and the id is free (G6, G7)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, follower] = await Promise.all([scene.worker(), scene.worker()]);
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source: endless });
    await producer.reads({ read: "inside", call: "resumeExistingStream", streamId: "s" });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await follower.ask("reached", { read: "follower", length: 300 });

    expect((await producer.ask("closeContext")).tookMs).toBeLessThan(5_000);
    const lost = { kind: "error", error: { code: "PRODUCER_LOST" } };
    expect((await producer.ended("primary", 1_000)).end).toMatchObject(lost);
    expect((await producer.ended("inside", 1_000)).end).toMatchObject(lost);
    expect(await producer.ask("source", { label: "endless" })).toMatchObject({ aborted: true });
    await producer.settled(1_000);

    const followed = await follower.ended("follower", 8_000);
    expect(followed.end).toMatchObject(lost);
    expect(startOf.startsWith(followed.text ?? "no text")).toBe(true);
    expect(await follower.ask("has", { streamId: "s" })).toBe(null);
    const refused = await producer.start({ read: "more", call: "resumeExistingStream", streamId: "s" });
    expect(refused).toMatchObject({ outcome: "rejected", error: { code: "CLOSED" } });
    expect(await scene.troubles()).toEqual([]);
  });

  it("a follower's context closed in the middle: the stream goes on without it (G7, G12)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, follower, other] = await Promise.all([scene.worker(), scene.worker(), scene.worker()]);
    const source: SourceSpec = { label: "goes on", chunks: 150, everyMs: 5, holdAfter: 75 };
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
    for (const worker of [follower, other]) {
      await worker.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    }
    await follower.ask("reached", { read: "follower", length: 100 });
    expect((await follower.ask("closeContext")).tookMs).toBeLessThan(5_000);
    await producer.ask("release", { label: "goes on" });
    expect((await follower.ended("follower", 1_000)).end).toMatchObject({
      kind: "error",
      error: { code: "CLOSED" },
    });
    expect(await producer.ended("primary", 5_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(source),
    });
    expect(await other.ended("follower", 5_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(source),
    });
    await producer.settled(8_000);
    expect(await scene.troubles()).toEqual([]);
  });
});
