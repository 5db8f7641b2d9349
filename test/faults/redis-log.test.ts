// Rows of a log over Redis: what happens to the server, to its keys and to the connections while a stream runs.

import { describe, expect, it } from "vitest";
import { TcpProxy } from "../support/proxy.ts";
import { RedisServer } from "../support/redis-server.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { expectOneTakeover } from "../support/takeovers.ts";
import { until } from "../support/wait.ts";
import type { WorkerProcess } from "../support/process.ts";

const LEASE_MS = 3_000;
const options = { leaseMs: LEASE_MS, ackTimeoutMs: 1_000, livenessMs: 1_000, keepText: true };
const endless: SourceSpec = { label: "killed", chunks: "endless", everyMs: 10 };
const steady: SourceSpec = { label: "steady", chunks: 300, everyMs: 10 };
const start = sourceText(endless, 20_000);

/** The keys of a stream that is called "s". */
const RECORD = "resumable-stream:rs:{log:s}";
const KEYS = { record: RECORD, tail: `${RECORD}:tail`, text: `${RECORD}:text` };

interface Followed {
  producer: WorkerProcess;
  follower: WorkerProcess;
}

/** A stream, and somebody who follows it in another process. */
async function followed(scene: Scene, source: SourceSpec, reach = 500): Promise<Followed> {
  const [producer, follower] = await Promise.all([scene.worker({ options }), scene.worker({ options })]);
  await producer.reads({ read: "primary", call: "createNewResumableStream", streamId: "s", source });
  await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
  await follower.ask("reached", { read: "follower", length: reach });
  return { producer, follower };
}

/** All have the whole text, the server too, and it says so. */
async function expectWhole(scene: Scene, { producer, follower }: Followed): Promise<void> {
  const whole = { end: { kind: "clean" }, text: sourceText(steady) };
  expect(await producer.ended("primary", 15_000)).toMatchObject(whole);
  expect(await follower.ended("follower", 15_000)).toMatchObject(whole);
  await producer.settled(15_000);
  const late = await scene.worker({ options: { ...options, replay: true } });
  await late.reads({ read: "late", call: "resumeExistingStream", streamId: "s" });
  expect(await late.ended("late", 5_000)).toMatchObject(whole);
  expect(await late.ask("has", { streamId: "s" })).toBe("DONE");
  expect(await scene.redis.keysWithoutExpiry()).toEqual([]);
  expect(await scene.troubles()).toEqual([]);
}

describe.concurrent.each(["redis-6", "ioredis-6"] as const)("over %s", { timeout: 60_000 }, (clients) => {
  it("killed: a follower gets all that was written, then PRODUCER_LOST; the text is left, and six takeovers have one winner (G1, G3, G4)", async () => {
    await using scene = await Scene.keeping(clients);
    const { producer, follower } = await followed(scene, endless);
    const callers = await scene.workers(6, { options });
    const [other] = callers;
    await producer.kill();
    const { text = "", end } = await follower.ended("follower", 2 * LEASE_MS + 3_000);
    expect(end).toMatchObject({ kind: "error", error: { code: "PRODUCER_LOST" } });
    expect(start.startsWith(text)).toBe(true);
    expect(await other?.ask("has", { streamId: "s" })).toBe("failed");
    await other?.reads({ read: "left", call: "resumeExistingStream", streamId: "s", skipCharacters: 100 });
    expect(await other?.ended("left", 5_000)).toMatchObject({
      end: { kind: "clean" },
      text: text.slice(100),
    });

    await expectOneTakeover(callers, "s");
    expect(await scene.troubles()).toEqual([]);
  });

  it("frozen beyond its lease, and superseded: it writes nothing when it wakes (G4, G6)", async () => {
    await using scene = await Scene.keeping(clients);
    const { producer } = await followed(scene, endless);
    const next = await scene.worker({ options });
    producer.freeze();
    await until(async () => (await next.ask("has", { streamId: "s" })) === "failed", {
      what: "the end of its lease",
      withinMs: 3 * LEASE_MS,
    });
    await next.reads({ read: "next", call: "resumableStream", streamId: "s", source: steady });
    producer.thaw();
    await until(async () => (await producer.ask("vitals")).errors.some(({ code }) => code === "FENCED"), {
      what: "its waking",
      withinMs: 5_000,
    });
    expect(await next.ended("next", 15_000)).toMatchObject({
      end: { kind: "clean" },
      text: sourceText(steady),
    });
    await next.settled(5_000);
    const reader = await scene.worker({ options: { ...options, replay: true } });
    await reader.reads({ read: "r", call: "resumeExistingStream", streamId: "s" });
    expect(await reader.ended("r", 5_000)).toMatchObject({ text: sourceText(steady) });
    expect(await scene.troubles()).toEqual([]);
  });

  it("a server that restarts empty is told all again, and nobody who follows notices (G1, G2)", async () => {
    await using scene = await Scene.keeping(clients);
    const both = await followed(scene, steady);
    await scene.redis.restart();
    await expectWhole(scene, both);
  });

  it("a server that restarts with its file after longer than a lease loses no producer (G1, G4)", async () => {
    await using scene = await Scene.keeping(clients, { keep: "disk" });
    const { producer, follower } = await followed(scene, endless);
    const other = await scene.worker({ options });
    await scene.redis.kill();
    const { text: had } = await producer.ask("reading", { read: "primary" });
    const chunks = Math.ceil((1.3 * LEASE_MS) / endless.everyMs);
    const length = (had?.length ?? 0) + sourceText(endless, chunks).length;
    await producer.ask("reached", { read: "primary", length });
    await scene.redis.restart();
    // Its client may take a while to be back.
    const asked = await until(() => other.ask("has", { streamId: "s" }).catch(() => undefined), {
      what: "an answer",
    });
    expect(asked).toBe(true);
    await follower.ask("reached", { read: "follower", length });
    expect(await other.ask("stop", { streamId: "s" })).toBe(true);
    const { text = "", end } = await producer.ended("primary", 15_000);
    expect(end).toEqual({ kind: "clean" });
    expect(start.startsWith(text)).toBe(true);
    expect(await follower.ended("follower", 15_000)).toMatchObject({ end: { kind: "clean" }, text });
    expect(await scene.troubles()).toEqual([]);
  });

  it.each(["tail", "text", "record", "all"] as const)(
    "its %s is deleted, or evicted, while it runs: the producer writes it again (G1)",
    async (part) => {
      await using scene = await Scene.keeping(clients);
      // Long enough that some of it is in entries already.
      const both = await followed(scene, { ...steady, chunkLength: 100 }, 8_000);
      const keys = part === "all" ? Object.values(KEYS) : [KEYS[part]];
      expect(await scene.redis.command("DEL", ...keys)).toBe(keys.length);
      const whole = { end: { kind: "clean" }, text: sourceText({ ...steady, chunkLength: 100 }) };
      expect(await both.producer.ended("primary", 15_000)).toMatchObject(whole);
      expect(await both.follower.ended("follower", 15_000)).toMatchObject(whole);
      await both.producer.settled(15_000);
      const late = await scene.worker({ options: { ...options, replay: true } });
      await late.reads({ read: "late", call: "resumeExistingStream", streamId: "s" });
      expect(await late.ended("late", 5_000)).toMatchObject(whole);
      expect(await scene.redis.keysWithoutExpiry()).toEqual([]);
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it("a full server takes nothing, and all of it once there is room; the app is told once (G1, G2)", async () => {
    await using scene = await Scene.keeping(clients);
    const both = await followed(scene, steady);
    await scene.redis.command("CONFIG", "SET", "maxmemory", "1");
    await both.producer.ask("reached", { read: "primary", length: sourceText(steady, 200).length });
    await scene.redis.command("CONFIG", "SET", "maxmemory", "0");
    await expectWhole(scene, both);
    const { errors } = await both.producer.ask("vitals");
    expect(errors.map(({ code }) => code)).toEqual(["TRANSPORT_UNAVAILABLE"]);
  });

  it("connections that are cut again and again lose no text, and repeat none (G1)", async () => {
    await using scene = await Scene.keeping(clients);
    const both = await followed(scene, steady);
    for (let round = 0; round < 5; round++) {
      await until(async () => (await scene.redis.killConnections()) > 0, { what: "a connection to cut" });
    }
    await expectWhole(scene, both);
  });

  it("a stop from another process ends it, and its text can be read again (G6)", async () => {
    await using scene = await Scene.keeping(clients);
    const { producer, follower } = await followed(scene, endless);
    expect(await follower.ask("stop", { streamId: "s", reason: "enough: of \ud800 it" })).toBe(true);
    const { text = "", end } = await follower.ended("follower", 5_000);
    expect(end).toEqual({ kind: "clean" });
    expect((await producer.ended("primary", 5_000)).end).toEqual({ kind: "clean" });
    const { cancelled } = await producer.ask("source", { label: "killed" });
    expect(cancelled).toContain("enough: of \ufffd it");
    const late = await scene.worker({ options: { ...options, replay: true } });
    await late.reads({ read: "late", call: "resumeExistingStream", streamId: "s" });
    expect(await late.ended("late", 5_000)).toMatchObject({ end: { kind: "clean" }, text });
    expect(await late.ask("has", { streamId: "s" })).toBe("DONE");
    expect(await late.ask("stop", { streamId: "s" })).toBe(false);
    expect(await scene.troubles()).toEqual([]);
  });

  it("a server that is away costs a first answer its deadline and the next ones little; readers of the producer's process notice nothing (G2, G16)", async () => {
    await using scene = await Scene.keeping(clients);
    await using proxy = await TcpProxy.start(scene.redis.port);
    const quick = { ...options, claimTimeoutMs: 1_000 };
    const url = `redis://127.0.0.1:${proxy.port}`;
    const [producer, other] = await Promise.all([
      scene.worker({ options: quick, url }),
      scene.worker({ options: quick, url }),
    ]);
    await producer.reads({
      read: "primary",
      call: "createNewResumableStream",
      streamId: "s",
      source: steady,
    });
    await producer.ask("reached", { read: "primary", length: 200 });
    expect(await other.ask("has", { streamId: "s" })).toBe(true);
    proxy.blackHole();
    await expect(other.ask("has", { streamId: "s" })).rejects.toThrow(/TRANSPORT_UNAVAILABLE|Cannot read/);
    const startedAt = performance.now();
    for (let call = 0; call < 5; call++) {
      await expect(other.ask("has", { streamId: `s${call}` })).rejects.toThrow(/Cannot read/);
    }
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await producer.ended("primary", 5_000)).toMatchObject({ text: sourceText(steady) });
  });
});

describe("a fail-over to a replica that lags", { timeout: 60_000 }, () => {
  it("loses acknowledged writes, which the producer writes again (G1)", async () => {
    await using scene = await Scene.keeping("ioredis-6");
    await using replica = await RedisServer.start();
    await using proxy = await TcpProxy.start(scene.redis.port);
    await replica.command("REPLICAOF", "127.0.0.1", String(scene.redis.port));
    await until(async () => String(await replica.command("ROLE")).includes("connected"), {
      what: "the replica",
      withinMs: 10_000,
    });
    const url = `redis://127.0.0.1:${proxy.port}`;
    const [producer, follower] = await Promise.all([
      scene.worker({ options, url }),
      scene.worker({ options, url }),
    ]);
    await producer.reads({
      read: "primary",
      call: "createNewResumableStream",
      streamId: "s",
      source: steady,
    });
    await follower.reads({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await follower.ask("reached", { read: "follower", length: 500 });
    await until(async () => Number(await replica.command("HGET", RECORD, "n")) > 300, {
      what: "replication",
    });
    // From here on the replica hears nothing.
    await replica.command("REPLICAOF", "NO", "ONE");
    const had = Number(await replica.command("HGET", RECORD, "n"));
    await follower.ask("reached", { read: "follower", length: had + 300 });
    expect(Number(await replica.command("HGET", RECORD, "n"))).toBe(had);
    proxy.setTarget(replica.port);
    proxy.cut();
    const whole = { end: { kind: "clean" }, text: sourceText(steady) };
    expect(await producer.ended("primary", 15_000)).toMatchObject(whole);
    expect(await follower.ended("follower", 15_000)).toMatchObject(whole);
    await producer.settled(15_000);
    const late = await scene.worker({ options: { ...options, replay: true }, url: replica.url });
    await late.reads({ read: "late", call: "resumeExistingStream", streamId: "s" });
    expect(await late.ended("late", 5_000)).toMatchObject(whole);
    expect(await scene.troubles()).toEqual([]);
  });

  it("loses an acknowledged end, which the process of the producer writes again (G1, G6)", async () => {
    await using scene = await Scene.keeping("ioredis-6");
    await using replica = await RedisServer.start();
    await using proxy = await TcpProxy.start(scene.redis.port);
    await replica.command("REPLICAOF", "127.0.0.1", String(scene.redis.port));
    await until(async () => String(await replica.command("ROLE")).includes("connected"), {
      what: "the replica",
      withinMs: 10_000,
    });
    const producer = await scene.worker({ options, url: `redis://127.0.0.1:${proxy.port}` });
    await producer.reads({
      read: "primary",
      call: "createNewResumableStream",
      streamId: "s",
      source: steady,
    });
    await until(async () => Number(await replica.command("HGET", RECORD, "n")) > 300, {
      what: "replication",
    });
    // From here on the replica hears nothing.
    await replica.command("REPLICAOF", "NO", "ONE");
    const whole = { end: { kind: "clean" }, text: sourceText(steady) };
    expect(await producer.ended("primary", 15_000)).toMatchObject(whole);
    await producer.settled(15_000);
    expect(await scene.redis.command("HGET", RECORD, "s")).toBe("done");
    expect(await replica.command("HGET", RECORD, "s")).toBe(null);
    proxy.setTarget(replica.port);
    proxy.cut();
    await until(async () => (await replica.command("HGET", RECORD, "s")) === "done", { what: "its end" });
    const late = await scene.worker({ options: { ...options, replay: true }, url: replica.url });
    await late.reads({ read: "late", call: "resumeExistingStream", streamId: "s" });
    expect(await late.ended("late", 5_000)).toMatchObject(whole);
    expect(await replica.keysWithoutExpiry()).toEqual([]);
    expect(await scene.troubles()).toEqual([]);
  });
});
