// Row: a producer dies, and its store loses some of the text that the app is still to get (G15).

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PostgresScene, Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { takenIn } from "../support/taking.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/wait.ts";

const endless: SourceSpec = { label: "killed", chunks: "endless", everyMs: 5 };
const LEASE_MS = 3_000;
const options = { leaseMs: LEASE_MS, ackTimeoutMs: 1_000, livenessMs: 1_000 };

/** Of the stream that is called "s". */
const RECORD = "resumable-stream:rs:{log:s}";

/** A file for what is taken. */
function newFile(): string {
  return join(temporaryFolder("lost-text"), "taken");
}

describe.concurrent("text that its store has lost", { timeout: 60_000 }, () => {
  const withoutText = [{ streamId: "s", end: "lost" }];
  /** Of the stream that was superseded: once, and not with an empty text. */
  const untilOlderIsTold = async (file: string): Promise<void> => {
    const lost = await until(
      () => {
        const taken = takenIn(file).filter(({ end }) => end === "lost");
        return taken.length > 0 && taken;
      },
      { what: "the older one's", withinMs: 3 * LEASE_MS },
    );
    expect(lost).toMatchObject(withoutText);
    expect(lost[0]).not.toHaveProperty("text");
  };

  it("over Redis: a dead producer's, whose keys were evicted: the app is called once, and not with an empty text", async () => {
    await using scene = await Scene.keeping("ioredis-6");
    const file = newFile();
    const takes = { options, onEnd: { file } };
    const [producer, other] = [await scene.worker(takes), await scene.worker(takes)];
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
    await until(async () => Number(await scene.redis.command("HGET", RECORD, "n")) > 500, { what: "text" });
    await producer.kill();
    await scene.redis.command("DEL", `${RECORD}:tail`, `${RECORD}:text`);
    await until(async () => (await other.ask("has", { streamId: "s" })) === "failed", {
      what: "its loss",
      withinMs: 3 * LEASE_MS,
    });
    expect(takenIn(file)).toMatchObject(withoutText);
    expect(takenIn(file)[0]).not.toHaveProperty("text");
    expect(await scene.troubles()).toEqual([]);
  });

  it.each(["before", "after"] as const)(
    "over Redis: a dead producer's, evicted %s it was superseded: the app is called once, and not with an empty text",
    async (when) => {
      await using scene = await Scene.keeping("ioredis-6");
      const file = newFile();
      const takes = { options, onEnd: { file } };
      const [producer, other] = [await scene.worker(takes), await scene.worker(takes)];
      await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
      await until(async () => Number(await scene.redis.command("HGET", RECORD, "n")) > 500, { what: "text" });
      await producer.kill();
      if (when === "before") await scene.redis.command("DEL", `${RECORD}:tail`);
      const source: SourceSpec = { label: "new", chunks: 10, everyMs: 2 };
      await other.reads({ read: "new", call: "createNewResumableStream", streamId: "s", source });
      if (when === "after") await scene.redis.command("DEL", `${RECORD}:text`);
      await untilOlderIsTold(file);
      expect(await other.ended("new", 5_000)).toMatchObject({ text: sourceText(source) });
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it("over Postgres: a dead producer's, whose rows were deleted: the app is called once, and not with an empty text", async () => {
    await using scene = await PostgresScene.open();
    const file = newFile();
    const takes = { options, onEnd: { file } };
    const [producer, other] = [await scene.worker(takes), await scene.worker(takes)];
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
    const length = async (): Promise<number> =>
      Number((await scene.query("select last_offset from rs_stream_sessions"))[0]?.["last_offset"]);
    await until(async () => (await length()) > 500, { what: "text" });
    await producer.kill();
    await scene.query("delete from rs_stream_chunks");
    await until(async () => (await other.ask("has", { streamId: "s" })) === "failed", {
      what: "its loss",
      withinMs: 3 * LEASE_MS,
    });
    expect(takenIn(file)).toMatchObject(withoutText);
    expect(takenIn(file)[0]).not.toHaveProperty("text");
    expect(await scene.troubles()).toEqual([]);
  });

  it("over Postgres: a superseded one's, whose rows were deleted: the app is called once, and not with an empty text", async () => {
    await using scene = await PostgresScene.open();
    const file = newFile();
    const takes = { options, onEnd: { file } };
    const [producer, other] = [await scene.worker(takes), await scene.worker(takes)];
    await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source: endless });
    await until(
      async () =>
        Number((await scene.query("select last_offset from rs_stream_sessions"))[0]?.["last_offset"]) > 500,
      { what: "text" },
    );
    await producer.kill();
    await scene.query("delete from rs_stream_chunks");
    const source: SourceSpec = { label: "new", chunks: 10, everyMs: 2 };
    await other.reads({ read: "new", call: "createNewResumableStream", streamId: "s", source });
    await untilOlderIsTold(file);
    expect(await other.ended("new", 5_000)).toMatchObject({ text: sourceText(source) });
    expect(await scene.troubles()).toEqual([]);
  });

  it("over Postgres: text of a stream that is done, whose rows were deleted, never ends cleanly before its end (G1)", async () => {
    await using scene = await PostgresScene.open();
    const worker = await scene.worker({ options: { replay: true } });
    const source: SourceSpec = { label: "done", chunks: 40, everyMs: 20, chunkLength: 50 };
    await worker.reads({ read: "own", call: "createNewResumableStream", streamId: "s", source });
    await worker.ended("own", 5_000);
    await scene.query("delete from rs_stream_chunks where end_offset > 1950");
    const call = "resumeExistingStream";
    expect(await worker.reads({ read: "whole", call, streamId: "s" })).toMatchObject({ outcome: "stream" });
    const report = await worker.ended("whole", 5_000);
    expect(report).toMatchObject({ end: { kind: "error", error: { code: "PRODUCER_LOST" } } });
    expect(sourceText(source).startsWith(String(report.text))).toBe(true);
    const beyond = { read: "rest", call, streamId: "s", skipCharacters: 1_950 } as const;
    expect(await worker.ask("start", beyond)).toMatchObject({ outcome: "undefined" });
    await scene.query("delete from rs_stream_chunks");
    expect(await worker.ask("start", { read: "none", call, streamId: "s" })).toMatchObject({
      outcome: "undefined",
    });
    expect(await scene.troubles()).toEqual([]);
  });
});
