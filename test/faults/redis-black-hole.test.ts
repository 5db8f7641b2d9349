// Row: Redis goes silent, or slow, while followed. Its connections stay open and nothing comes back.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import { TcpProxy } from "../support/proxy.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";

const source: SourceSpec = { label: "steady", chunks: 200, everyMs: 10 };
const lengthMs = 2_000;

describe.concurrent.each(FAULT_CLIENTS)("a silent or slow Redis, over %s", (clients) => {
  it(
    "black-holed while followed: the original reader finishes on time, and everything settles (G2, G7)",
    { timeout: 60_000 },
    async () => {
      await using scene = await Scene.open(clients);
      await using proxy = await TcpProxy.start(scene.redis.port);
      const [producer, follower] = await Promise.all([scene.worker({ url: proxy.url }), scene.worker()]);
      await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
      await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
      await follower.ask("reached", { read: "follower", length: 300 });

      proxy.blackHole();
      const primary = await producer.ended("primary", 10_000);
      expect(primary).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
      expect(primary.tookMs).toBeLessThan(lengthMs + 500);
      expect(primary.longestWaitMs).toBeLessThan(500);

      const lost = await follower.ended("follower", 8_000);
      expect(lost.end).toMatchObject({ kind: "error", error: { code: "PRODUCER_LOST" } });
      expect(sourceText(source).startsWith(lost.text ?? "no text")).toBe(true);
      // The end is written again for 15 s, in case Redis comes back.
      await producer.settled(25_000);
      expect((await producer.ask("closeContext")).tookMs).toBeLessThan(6_000);
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it("frozen and thawed while followed: the original reader finishes on time, the follower gets all (G1, G2)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, follower] = await Promise.all([scene.worker(), scene.worker()]);
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await follower.ask("reached", { read: "follower", length: 300 });

    scene.redis.pause();
    const primary = await producer.ended("primary", 10_000);
    scene.redis.resume();
    expect(primary).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
    expect(primary.tookMs).toBeLessThan(lengthMs + 500);
    expect(primary.longestWaitMs).toBeLessThan(500);
    expect(await follower.ended("follower", 8_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(source),
    });
    await producer.settled(15_000);
    expect(await scene.troubles()).toEqual([]);
  });

  it("300 ms away, while followed: the original reader is as fast as ever, the follower gets all (G1, G2)", async () => {
    await using scene = await Scene.open(clients);
    await using proxy = await TcpProxy.start(scene.redis.port);
    const [producer, follower] = await Promise.all([scene.worker({ url: proxy.url }), scene.worker()]);
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });

    proxy.setDelay({ toServerMs: 300, toClientMs: 300 });
    const primary = await producer.ended("primary", 10_000);
    expect(primary).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
    expect(primary.tookMs).toBeLessThan(lengthMs + 500);
    expect(primary.longestWaitMs).toBeLessThan(500);
    expect(await follower.ended("follower", 8_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(source),
    });
    expect(await scene.troubles()).toEqual([]);
  });
});
