// `resumable-stream lost` over Redis that keeps the text. redis-cluster.test.ts has it on a cluster.

import { randomUUID } from "node:crypto";
import { expect, inject, onTestFinished, test } from "vitest";
import { createResumableStreamContext } from "../../src/ioredis.ts";
import { markOf } from "../../src/lib/position.ts";
import { createClients } from "../support/clients.ts";
import { RedisAdmin } from "../support/redis-admin.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { takenIn } from "../support/taking.ts";
import { until } from "../support/wait.ts";
import { failing, moduleOf, taking } from "./modules.ts";
import { run, values } from "./run.ts";

const secret = "text that nobody prints";
const lone = "half of a pair: \ud83d";

interface Seed {
  id: string;
  epoch: number;
  /** Ended; absent: its lease is over, or holds. */
  status?: string;
  isLive?: boolean;
  /** How often its app may still be given its text; absent: never. */
  handovers?: number;
  /** How long somebody who was elected still has. */
  handoverMs?: number;
  /** Texts of older claims, by their epochs, in entries. */
  owed?: Record<number, string[]>;
}

interface Rig {
  admin: RedisAdmin;
  keyPrefix: string;
  lost: (...args: string[]) => ReturnType<typeof run>;
  insert: (seed: Seed) => Promise<void>;
}

/** An epoch of that long ago. */
const epochBefore = (ms: number): number => (Date.now() - ms) * 1000;

/** A prefix of its own on the shared server, which is up for so long that leases lapse. */
async function open(): Promise<Rig> {
  const url = inject("redisUrl");
  const admin = new RedisAdmin(url);
  const uptime = async (): Promise<number> =>
    Number(/uptime_in_seconds:(\d+)/.exec(String(await admin.command("INFO", "server")))?.[1]);
  await until(async () => (await uptime()) > 12, { what: "leases to lapse", withinMs: 20_000 });
  const keyPrefix = `lost-${randomUUID()}`;
  const insert = async ({
    id,
    epoch,
    status,
    isLive = false,
    handovers,
    handoverMs,
    owed = {},
  }: Seed): Promise<void> => {
    const key = `${keyPrefix}:rs:{log:${id}}`;
    const now = Date.now();
    const fields: Record<string, string | number> = {
      e: epoch,
      n: secret.length,
      o: 0,
      l: isLive ? now + 3_600_000 : now - 300_000,
      t: now + 3_600_000,
      p: "",
      q: "",
      v: "",
      ...(status !== undefined && { s: status }),
      ...(handovers !== undefined && { h: handovers }),
      ...(handoverMs !== undefined && { u: now + handoverMs }),
      ...(Object.keys(owed).length > 0 && { d: Object.keys(owed).join(" ") }),
    };
    await admin.command("HSET", key, ...Object.entries(fields).flat().map(String));
    await admin.command("SET", `${key}:tail`, secret, "EX", "3600");
    for (const [older, entries] of Object.entries(owed)) {
      let stop = 0;
      for (const entry of entries) {
        stop += entry.length;
        const field = entry.isWellFormed() ? ["t", entry] : ["j", JSON.stringify(entry)];
        await admin.command("XADD", `${key}:text`, `${older}-${stop}`, ...field);
      }
    }
    await admin.command("EXPIRE", key, "3600");
  };
  const lost: Rig["lost"] = (...args) =>
    run(["lost", "--key-prefix", keyPrefix, ...args], { REDIS_URL: url });
  return { admin, keyPrefix, lost, insert };
}

const byId = (one: Record<string, unknown>, other: Record<string, unknown>): number =>
  String(one["streamId"]) < String(other["streamId"]) ? -1 : 1;
const sorted = (outcome: { stdout: string }): Record<string, unknown>[] => values(outcome).toSorted(byId);

test("lists what no app has taken, under the prefix, without its text", async () => {
  const { insert, lost } = await open();
  const [first, second, now] = [epochBefore(90_000), epochBefore(61_000), epochBefore(30_000)];
  await insert({ id: "dead", epoch: first, handovers: 3 });
  await insert({ id: "lives", epoch: first, isLive: true, handovers: 3 });
  await insert({ id: "done, and its app failed", epoch: first, status: "done", handovers: 1 });
  await insert({ id: "ended, taken", epoch: first, status: "done" });
  await insert({ id: "dead, of an app without onEnd", epoch: first });
  await insert({ id: "being taken", epoch: first, status: "lost", handovers: 2, handoverMs: 60_000 });
  await insert({ id: "tried often", epoch: first, status: "failed", handovers: 0 });
  const owed = { [first]: ["fir", "st"], [second]: ["second one"] };
  await insert({ id: "superseded", epoch: now, isLive: true, handovers: 3, owed });
  await insert({ id: "superseded just now", epoch: epochBefore(0), isLive: true, owed: { [first]: ["x"] } });
  const other = await open();
  await other.insert({ id: "other", epoch: first, handovers: 3 });

  const outcome = await lost("--json");
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(sorted(outcome).map(({ since: _since, ...facts }) => facts)).toEqual(
    [
      { streamId: "being taken", status: "lost", handOver: "running" },
      { streamId: "dead", status: "lost", handOver: "due" },
      { streamId: "done, and its app failed", status: "done", handOver: "due" },
      { streamId: "superseded", status: "lost", tail: 5, handOver: "due" },
      { streamId: "superseded", generation: markOf(second), status: "lost", tail: 10, handOver: "due" },
      { streamId: "superseded just now", status: "lost", tail: 1, handOver: "running" },
      { streamId: "tried often", status: "failed", handOver: "given-up" },
    ].map((facts) => ({ generation: markOf(first), tail: secret.length, ...facts })),
  );
  const [, dead, , older, newer] = sorted(outcome).map(({ since }) => Date.parse(String(since)));
  expect(Math.abs(Number(dead) - (Date.now() - 300_000))).toBeLessThan(30_000);
  expect([older, newer]).toEqual([Math.floor(second / 1000), Math.floor(now / 1000)]);

  const forPeople = await lost();
  expect(forPeople.stdout).toMatch(/^END +LENGTH +SINCE +HAND-OVER +GENERATION +ID$/m);
  expect(forPeople.stdout).toMatch(new RegExp(`^lost +23 +5 min +due +${markOf(first)} +dead$`, "m"));
  expect(outcome.stdout + forPeople.stdout).not.toContain(secret);
  expect(values(await other.lost("--json")).map(({ streamId }) => streamId)).toEqual(["other"]);
});

test("--hand-over has a module take each: its id, how it ended, and its text; after that nothing is owed", async () => {
  const { insert, lost } = await open();
  const epoch = epochBefore(90_000);
  await insert({ id: "dead: 1", epoch, handovers: 3 });
  await insert({ id: "failed twice", epoch, status: "failed", handovers: 0 });
  await insert({
    id: "superseded",
    epoch: epochBefore(60_000),
    isLive: true,
    owed: { [epoch]: ["old", "er"] },
  });
  await insert({ id: "taken by another", epoch, handovers: 2, handoverMs: 60_000 });
  const { path, file } = await moduleOf(taking);

  const outcome = await lost("--json", "--hand-over", path);
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(outcome.stdout).not.toContain(secret);
  expect(sorted(outcome).map(({ streamId, generation, result }) => [streamId, generation, result])).toEqual([
    ["dead: 1", markOf(epoch), "taken"],
    ["failed twice", markOf(epoch), "taken"],
    ["superseded", markOf(epoch), "taken"],
    ["taken by another", markOf(epoch), "elsewhere"],
  ]);
  const taken = takenIn(file).map(({ streamId, generation, end, text }) => ({
    streamId,
    generation,
    end,
    text,
  }));
  expect(taken.toSorted(byId)).toEqual([
    { streamId: "dead: 1", generation: markOf(epoch), end: "lost", text: secret },
    { streamId: "failed twice", generation: markOf(epoch), end: "failed", text: secret },
    { streamId: "superseded", generation: markOf(epoch), end: "lost", text: "older" },
  ]);
  expect(values(await lost("--json")).map(({ streamId }) => streamId)).toEqual(["taken by another"]);
});

test("what a module fails to take stays owed, in front of what was written since; the error's text isn't printed", async () => {
  const { admin, insert, keyPrefix, lost } = await open();
  const [older, newer] = [epochBefore(90_000), epochBefore(60_000)];
  await insert({ id: "dead", epoch: older, handovers: 3 });
  await insert({ id: "superseded", epoch: newer, isLive: true, owed: { [older]: [lone, " left"] } });
  const key = `${keyPrefix}:rs:{log:superseded}`;
  // The text of the claim that stands.
  await admin.command("XADD", `${key}:text`, `${newer}-4`, "t", "live");
  await admin.command("HSET", key, "n", "4", "o", "4");
  const { path, file } = await moduleOf(failing);

  const forPeople = await lost("--hand-over", path);
  expect(forPeople.code).toBe(1);
  expect(forPeople.stdout).toMatch(/^failed +\S+ +dead {2}\(RangeError 53100\)$/m);
  expect(forPeople.stdout + forPeople.stderr).not.toMatch(new RegExp(`${secret}|no room|left`));
  const asJson = await lost("--json", "--hand-over", path);
  expect(asJson.code).toBe(1);
  expect(sorted(asJson)[1]).toMatchObject({
    streamId: "superseded",
    result: "failed",
    why: "RangeError 53100",
  });
  const states = sorted(await lost("--json")).map(({ streamId, handOver, tail }) => [
    streamId,
    handOver,
    tail,
  ]);
  expect(states).toEqual([
    ["dead", "given-up", secret.length],
    ["superseded", "given-up", lone.length + 5],
  ]);
  const entries = await admin.command("XRANGE", `${key}:text`, "-", "+");
  expect(JSON.stringify(entries)).toContain(`["${newer}-4",["t","live"]]`);
  // Once more by the same, and then by one that can.
  const { path: good, file: givenTo } = await moduleOf(taking, "good.mjs");
  expect((await lost("--hand-over", good)).code).toBe(0);
  expect(
    takenIn(givenTo)
      .map(({ text }) => String(text))
      .toSorted(),
  ).toEqual([lone + " left", secret]);
  expect(takenIn(file).length).toBeGreaterThan(2);
  expect((await lost("--json")).stdout).toBe("");
  expect(await admin.command("XRANGE", `${key}:text`, "-", "+")).toEqual([[`${newer}-4`, ["t", "live"]]]);
});

test("beside servers that ask for the same streams, each is taken once", async () => {
  const { insert, keyPrefix, lost } = await open();
  const ids = Array.from({ length: 30 }, (_, n) => `dead-${n}`);
  for (const id of ids) await insert({ id, epoch: epochBefore(60_000), handovers: 3 });
  const taken: string[] = [];
  const { close, ...clients } = await createClients("ioredis-6", inject("redisUrl"));
  const context = createResumableStreamContext({
    ...clients,
    keyPrefix,
    waitUntil: null,
    keepText: true,
    onError: () => undefined,
    onEnd: ({ streamId }) => taken.push(streamId),
  });
  onTestFinished(async () => {
    await context.close();
    close();
  });
  const { path, file } = await moduleOf(taking);
  const [outcome, other] = await Promise.all([
    lost("--json", "--hand-over", path),
    lost("--json", "--hand-over", path),
    (async () => {
      await until(() => takenIn(file).length > 0, { what: "the command", withinMs: 20_000 });
      for (const id of ids.toReversed()) await context.hasExistingStream(id);
    })(),
  ]);
  expect([outcome.code, other.code]).toEqual([0, 0]);
  const byCommand = takenIn(file).map(({ streamId }) => streamId);
  expect([...taken, ...byCommand].toSorted()).toEqual(ids.toSorted());
  expect(byCommand.length).toBeGreaterThan(0);
});

test("a producer that was killed: the command hands over all that was kept, for a reader that waits for it", async () => {
  await using scene = await Scene.keeping("ioredis-6");
  const [{ path, file }, idle] = [await moduleOf(taking), await moduleOf(taking)];
  const options = { leaseMs: 1_000 };
  const source: SourceSpec = { label: "killed", chunks: "endless", everyMs: 5 };
  const producer = await scene.worker({ options, onEnd: { file: idle.file } });
  await producer.reads({ read: "r", call: "createNewResumableStream", streamId: "s", source });
  await producer.ask("reached", { read: "r", length: 5_000 });
  await producer.kill();
  const env = { REDIS_URL: scene.redis.url };
  // For one lease after a server's start, producers may still come back.
  await until(async () => (await run(["lost", "--json"], env)).stdout !== "", {
    what: "its loss",
    withinMs: 25_000,
  });

  const [outcome] = values(await run(["lost", "--json", "--hand-over", path], env));
  expect(outcome).toMatchObject({ streamId: "s", status: "lost", result: "taken" });
  const [taken, ...more] = takenIn(file);
  expect(more).toEqual([]);
  expect(taken).toMatchObject({ streamId: "s", end: "lost" });
  expect(taken?.text?.length).toBe(outcome?.["tail"]);
  expect(taken?.text?.length).toBeGreaterThan(1_000);
  expect(sourceText(source, 20_000).startsWith(taken?.text ?? "-")).toBe(true);
  expect((await run(["lost", "--json"], env)).stdout).toBe("");
});
