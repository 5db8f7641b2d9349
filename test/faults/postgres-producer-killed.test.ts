// Row: a producer's process dies without a word, and its text is in the table.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PostgresScene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { expectOneTakeover } from "../support/takeovers.ts";
import { until } from "../support/wait.ts";

const LEASE_MS = 10_000;
const endless: SourceSpec = { label: "killed", chunks: "endless", everyMs: 10 };
const start = sourceText(endless, 5_000);

describe("a killed producer, over Postgres", { timeout: 60_000 }, () => {
  it("its follower gets all that was written, then PRODUCER_LOST within the lease + 3 s; its text is left, and six takeovers have one winner (G1, G3, G4)", async () => {
    await using scene = await PostgresScene.open();
    const producer = await scene.worker();
    const callers = await scene.workers(6);
    const [follower, other] = callers;
    if (!follower || !other) throw new Error("there are six workers");
    await producer.reads({
      read: "primary",
      call: "createNewResumableStream",
      streamId: "s",
      source: endless,
    });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await follower.ask("reached", { read: "follower", length: 500 });

    await producer.kill();
    expect(await other.ask("has", { streamId: "s" })).toBe(true);
    const { text = "", end } = await follower.ended("follower", LEASE_MS + 3_000);
    expect(end).toMatchObject({ kind: "error", error: { code: "PRODUCER_LOST" } });
    const [row] = await scene.query("select last_offset::int, status from rs_stream_sessions");
    expect(row).toEqual({ last_offset: text.length, status: "streaming" });
    expect(start.startsWith(text)).toBe(true);

    expect(await other.ask("has", { streamId: "s" })).toBe("failed");
    await other.reads({ read: "left", call: "resumeExistingStream", streamId: "s", skipCharacters: 100 });
    expect(await other.ended("left", 5_000)).toMatchObject({ end: { kind: "clean" }, text: text.slice(100) });
    // A caller that names an offset is reconnecting: 0 counts.
    const source: SourceSpec = { label: "again", chunks: 60, everyMs: 5, holdAfter: 20 };
    await other.reads({ read: "whole", call: "resumableStream", streamId: "s", skipCharacters: 0, source });
    expect(await other.ended("whole", 5_000)).toMatchObject({ end: { kind: "clean" }, text });

    await expectOneTakeover(callers, "s");
    await until(async () => (await other.ask("has", { streamId: "s" })) === "DONE", { what: "the end" });
    expect(await scene.troubles()).toEqual([]);
  });

  it("a folder of an embedded Postgres has the text after its process was killed, and says failed at once", async () => {
    await using scene = await PostgresScene.open();
    const { folder, remove } = await temporaryFolder();
    try {
      const first = await scene.worker({ clients: "pglite", url: folder });
      await first.reads({ read: "primary", call: "resumableStream", streamId: "s", source: endless });
      await first.ask("reached", { read: "primary", length: 2_000 });
      await first.kill();

      const second = await scene.worker({ clients: "pglite", url: folder });
      expect(await second.ask("has", { streamId: "s" })).toBe("failed");
      await second.reads({ read: "left", call: "resumeExistingStream", streamId: "s" });
      const { text = "", end } = await second.ended("left", 5_000);
      expect(end).toEqual({ kind: "clean" });
      // What a tick had gathered when the process died is gone with it.
      expect(text.length).toBeGreaterThan(500);
      expect(start.startsWith(text)).toBe(true);
      expect(await scene.troubles()).toEqual([]);
    } finally {
      await remove();
    }
  });
});

async function temporaryFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "pglite-"));
  return { folder: join(folder, "streams"), remove: () => rm(folder, { recursive: true, force: true }) };
}
