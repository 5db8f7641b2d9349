// Row: Postgres goes silent while followed, or can't be reached at the start.

import { describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { TcpProxy } from "../support/proxy.ts";
import { PostgresScene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";

const source: SourceSpec = { label: "steady", chunks: 200, everyMs: 10 };
const lengthMs = 2_000;

describe.concurrent("Postgres is away", { timeout: 120_000 }, () => {
  it("black-holed while followed: the original reader finishes on time, the follower errors, everything settles (G2, G7)", async () => {
    await using scene = await PostgresScene.open();
    await using proxy = await TcpProxy.start(scene.postgres.port);
    const [producer, follower] = await Promise.all([
      scene.worker({ url: scene.via(proxy), options: { leaseMs: 5_000 } }),
      scene.worker({ options: { leaseMs: 5_000 } }),
    ]);
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
    // The text is kept for a minute, in case Postgres comes back.
    await producer.settled(75_000);
    expect((await producer.ask("closeContext")).tookMs).toBeLessThan(6_000);
    expect(await scene.troubles()).toEqual([]);
  });

  it("black-holed for a while: the follower gets all once it is back (G1, G2)", async () => {
    await using scene = await PostgresScene.open();
    await using proxy = await TcpProxy.start(scene.postgres.port);
    const [producer, follower] = await Promise.all([scene.worker({ url: scene.via(proxy) }), scene.worker()]);
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await follower.ask("reached", { read: "follower", length: 300 });
    proxy.blackHole();
    expect(await producer.ended("primary", 10_000)).toMatchObject({ end: { kind: "clean" } });
    proxy.cut();
    proxy.heal();
    expect(await follower.ended("follower", 15_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(source),
    });
    await producer.settled(15_000);
    expect(await scene.troubles()).toEqual([]);
  });

  it.each(["refuses", "is silent"])(
    "%s at the start: the reader has its text, onError is told; an offset gets TRANSPORT_UNAVAILABLE (G2)",
    async (how) => {
      await using scene = await PostgresScene.open();
      await using proxy = await TcpProxy.start(scene.postgres.port);
      if (how === "is silent") proxy.blackHole();
      const url = how === "is silent" ? scene.via(proxy) : scene.via({ port: await freePort() });
      const worker = await scene.worker({ url });
      for (const call of ["resumableStream", "createNewResumableStream"] as const) {
        const answer = await worker.reads({
          read: call,
          call,
          streamId: call,
          source: { ...source, label: call },
        });
        expect(answer.tookMs).toBeLessThan(3_500);
        expect(await worker.ended(call, 10_000)).toMatchObject({
          end: { kind: "clean" },
          text: sourceText({ ...source, label: call }),
        });
      }
      const { errors } = await worker.ask("vitals");
      expect(errors.map(({ code }) => code)).toContain("TRANSPORT_UNAVAILABLE");
      const resumed = await worker.start({
        read: "x",
        call: "resumableStream",
        streamId: "x",
        skipCharacters: 0,
        source,
      });
      expect(resumed).toMatchObject({ outcome: "rejected", error: { code: "TRANSPORT_UNAVAILABLE" } });
      await worker.settled(5_000);
      expect(await scene.troubles()).toEqual([]);
    },
  );
});
