// Row: default clients over a Redis restart, then close(): the process lives, and ends by itself.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import type { Exit, WorkerProcess } from "../support/process.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { until, within } from "../support/wait.ts";

const source = (label: string): SourceSpec => ({ label, chunks: 50, everyMs: 5 });

async function wholeStream(worker: WorkerProcess, streamId: string): Promise<void> {
  await worker.reads({ read: streamId, call: "resumableStream", streamId, source: source(streamId) });
  expect(await worker.ended(streamId, 10_000)).toMatchObject({
    end: { kind: "clean" },
    text: sourceText(source(streamId)),
  });
}

const byItself = { code: 0, signal: null, stderr: "" };

async function held(worker: WorkerProcess, what: "TCPSocketWrap" | "Timeout"): Promise<number> {
  const { resources } = await worker.ask("vitals");
  return resources.filter((kind) => kind === what).length;
}

async function exitOf(worker: WorkerProcess): Promise<Exit> {
  await worker.ask("retire");
  return within(5_000, "the process to end by itself", worker.exited);
}

describe.concurrent.each(["default-redis", "default-ioredis"] as const)("%s clients", (clients) => {
  it("live through a Redis restart: the next stream works, and after close() the process ends (G7)", async () => {
    await using scene = await Scene.open("redis-6");
    const worker = await scene.worker({ clients });
    await wholeStream(worker, "before");
    await scene.redis.restart();
    await wholeStream(worker, "after");
    await worker.settled(10_000);
    const other = await scene.worker({ clients });
    // Its first call loads the client too, which may take longer than an answer may.
    const status = await until(() => other.ask("has", { streamId: "after" }).catch(() => undefined), {
      what: "the first answer",
    });
    expect(status).toBe("DONE");
    expect(await scene.troubles()).toEqual([]);
    expect((await worker.ask("closeContext")).tookMs).toBeLessThan(5_000);
    // Clients say goodbye to the server first.
    await until(async () => (await held(worker, "TCPSocketWrap")) === 0, {
      what: "the clients to be closed",
      withinMs: 2_000,
    });
    expect(await exitOf(worker)).toEqual(byItself);
  });

  it("close() ends a process whose Redis is gone, in the middle of a stream (G7)", async () => {
    await using scene = await Scene.open("redis-6");
    const worker = await scene.worker({ clients });
    const endless: SourceSpec = { label: "endless", chunks: "endless", everyMs: 5 };
    await worker.reads({ read: "endless", call: "resumableStream", streamId: "s", source: endless });
    await scene.redis.kill();
    await worker.ask("reached", { read: "endless", length: 1_000 });
    expect((await worker.ask("closeContext")).tookMs).toBeLessThan(6_000);
    expect((await worker.ended("endless", 1_000)).end).toMatchObject({
      kind: "error",
      error: { code: "PRODUCER_LOST" },
    });
    await worker.settled(1_000);
    expect(await scene.troubles()).toEqual([]);
    expect(await exitOf(worker)).toEqual(byItself);
  });

  it("unused, keep no process alive (G7)", async () => {
    await using scene = await Scene.open("redis-6");
    const worker = await scene.worker({ clients });
    expect(await exitOf(worker)).toEqual(byItself);
  });
});

describe.concurrent.each(FAULT_CLIENTS)("given clients, %s", (clients) => {
  it.each([
    { scene: "open", keeps: "a relay" },
    { scene: "keeping", keeps: "a log" },
  ] as const)(
    "are closed by the app without close(): nothing else holds its process, whether it produced or followed over $keeps (G7)",
    async ({ scene: openScene }) => {
      await using scene = await Scene[openScene](clients);
      const [producing, following] = [await scene.worker(), await scene.worker()];
      await producing.reads({ read: "own", call: "resumableStream", streamId: "s", source: source("s") });
      await following.reads({ read: "followed", call: "resumeExistingStream", streamId: "s" });
      await producing.ended("own", 10_000);
      await following.ended("followed", 10_000);
      await producing.settled(10_000);
      for (const worker of [producing, following]) {
        // A channel is kept for 3 s, and a check of what is followed is due each 2.25 s: nobody waits for them.
        await until(async () => (await held(worker, "Timeout")) === 0, { what: "no timer", withinMs: 2_000 });
        expect(await scene.troubles()).toEqual([]);
        expect(await exitOf(worker)).toEqual(byItself);
      }
    },
  );

  it("stay open after close(), and nothing else holds the process (G7)", async () => {
    await using scene = await Scene.open(clients);
    const worker = await scene.worker();
    await wholeStream(worker, "one");
    await worker.settled(10_000);
    await worker.ask("closeContext");
    expect(await held(worker, "TCPSocketWrap")).toBe(2);
    expect(await scene.troubles()).toEqual([]);
    expect(await exitOf(worker)).toEqual(byItself);
  });
});
