// Row: Redis can't be reached when a stream starts: it refuses connections, or swallows them.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import { TcpProxy } from "../support/proxy.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";

const claimTimeoutMs = 3_000;
const lengthMs = 500;
const unavailable = { outcome: "rejected", error: { code: "TRANSPORT_UNAVAILABLE" } };

const source = (label: string): SourceSpec => ({ label, chunks: 50, everyMs: 10 });

async function faultyProxy(scene: Scene, fault: "refuses" | "is black-holed"): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(scene.redis.port);
  if (fault === "refuses") await proxy.refuse();
  else proxy.blackHole();
  return proxy;
}

describe.concurrent.each(FAULT_CLIENTS)("Redis unreachable at the start, over %s", (clients) => {
  it.for(["refuses", "is black-holed"] as const)(
    "a server that %s: the reader gets its whole text in time, onError is told (G2, G7)",
    async (fault) => {
      await using scene = await Scene.open(clients);
      await using proxy = await faultyProxy(scene, fault);
      const worker = await scene.worker({ url: proxy.url });

      await Promise.all(
        (["resumableStream", "createNewResumableStream"] as const).map(async (call) => {
          const answer = await worker.reads({ read: call, call, streamId: call, source: source(call) });
          const reading = await worker.ended(call, 10_000);
          expect(reading).toMatchObject({ end: { kind: "clean" }, text: sourceText(source(call)) });
          expect(answer.tookMs + reading.tookMs).toBeLessThan(claimTimeoutMs + lengthMs + 500);
        }),
      );
      const { errors } = await worker.ask("vitals");
      expect(errors.filter(({ code }) => code === "TRANSPORT_UNAVAILABLE").length).toBeGreaterThanOrEqual(1);
      await worker.settled(10_000);
      expect((await worker.ask("closeContext")).tookMs).toBeLessThan(6_000);
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it.for(["refuses", "is black-holed"] as const)(
    "a server that %s: who named an offset, or only asks, gets TRANSPORT_UNAVAILABLE (G7)",
    async (fault) => {
      await using scene = await Scene.open(clients);
      await using proxy = await faultyProxy(scene, fault);
      const [worker, strict] = await Promise.all([
        scene.worker({ url: proxy.url }),
        scene.worker({ url: proxy.url, options: { whenUnavailable: "throw" } }),
      ]);

      const asked = { streamId: "s", source: source("never made") };
      const answers = await Promise.all([
        worker.start({ ...asked, read: "a", call: "resumableStream", skipCharacters: 5 }),
        worker.start({ ...asked, read: "b", call: "resumeExistingStream" }),
        strict.start({ ...asked, read: "c", call: "resumableStream" }),
        strict.start({ ...asked, read: "d", call: "createNewResumableStream" }),
      ]);
      for (const answer of answers) {
        expect(answer).toMatchObject(unavailable);
        expect(answer.tookMs).toBeLessThan(claimTimeoutMs + 1_000);
      }
      await expect(worker.ask("has", { streamId: "s" })).rejects.toMatchObject(unavailable.error);
      await expect(worker.ask("stop", { streamId: "s" })).rejects.toMatchObject(unavailable.error);
      expect(await worker.ask("source", { label: "never made" })).toMatchObject({ made: 0 });
      expect(await strict.ask("source", { label: "never made" })).toMatchObject({ made: 0 });
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it("once it is back, the next stream can be followed from another process (G2)", async () => {
    await using scene = await Scene.open(clients);
    await using proxy = await faultyProxy(scene, "refuses");
    const [producer, follower] = await Promise.all([scene.worker({ url: proxy.url }), scene.worker()]);
    await producer.reads({
      read: "alone",
      call: "resumableStream",
      streamId: "alone",
      source: source("alone"),
    });
    await producer.ended("alone", 10_000);

    await proxy.accept();
    // The client reconnects in its own time.
    await until(
      async () => (await producer.ask("has", { streamId: "alone" }).catch(() => "unavailable")) === null,
      {
        what: "the client's own connection",
      },
    );
    const next: SourceSpec = { ...source("next"), holdAfter: 25 };
    await producer.reads({ read: "next", call: "resumableStream", streamId: "next", source: next });
    await follower.reads({ read: "next", call: "resumeExistingStream", streamId: "next" });
    await producer.ask("release", { label: "next" });
    expect(await follower.ended("next", 10_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(source("next")),
    });
    expect(await scene.troubles()).toEqual([]);
  });
});
