// The commands over a Redis cluster, named by a list of nodes or by one of them.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { ResumableStreamContext } from "../../src/api/types.ts";
import { createResumableStreamContext } from "../../src/ioredis.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { read, readWhole } from "../../src/testing/reading.ts";
import { createClients } from "../support/clients.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { RedisServer } from "../support/redis-server.ts";
import { takenIn } from "../support/taking.ts";
import { moduleOf, taking } from "./modules.ts";
import { Running, run, values } from "./run.ts";

/** A matcher, whose own type says nothing. */
const containing = (text: string): unknown => expect.stringContaining(text);

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterAll(() => cluster.stop());

async function openContext(keyPrefix: string): Promise<ResumableStreamContext> {
  const { close, ...clients } = await createClients("ioredis-6-cluster", cluster.url);
  const context = createResumableStreamContext({ ...clients, keyPrefix, waitUntil: null });
  onTestFinished(async () => {
    await context.close();
    close();
  });
  return context;
}

interface Examined {
  code: number;
  findings: Map<unknown, Record<string, unknown>>;
  /** Names of the checks that aren't ok. */
  wrong: unknown[];
}

async function examine(url: string): Promise<Examined> {
  const outcome = await run(["doctor", "--json", "--url", url]);
  expect(outcome.stderr).toBe("");
  const all = values(outcome);
  const findings = new Map(all.map((finding) => [finding["check"], finding]));
  return {
    code: outcome.code,
    findings,
    wrong: all.filter(({ status }) => status !== "ok").map(({ check }) => check),
  };
}

test("list finds the streams of every master, show, tail and stop the one that is meant", async () => {
  const keyPrefix = `cli-${randomUUID()}`;
  const context = await openContext(keyPrefix);
  const ended = ["a", "b", "c", "d", "e", "f", "g", "h"];
  for (const id of ended) await readWhole(context.resumableStream(id, sourceOf(["text"])));
  const source = manualSource();
  const reading = read(await context.createNewResumableStream("running", source.makeStream));
  source.push("so far");
  await reading.reached(6);
  const args = ["--key-prefix", keyPrefix, "--url", cluster.url];

  const listed = await run(["list", "--json", ...args]);
  expect(listed.stderr).toBe("");
  const statuses = values(listed).map(({ status, streamId }) => [streamId, status]);
  expect(statuses).toHaveLength(9);
  expect(Object.fromEntries(statuses)).toEqual({
    ...Object.fromEntries(ended.map((id) => [id, "done"])),
    running: "running",
  });
  // One node tells that it is of a cluster.
  const oneNode = ["--key-prefix", keyPrefix, "--url", cluster.nodes[1]?.url ?? ""];
  expect(values(await run(["show", "running", "--json", ...oneNode]))[0]).toMatchObject({
    status: "running",
    tail: 6,
  });
  await using tail = new Running(["tail", "running", ...args]);
  await tail.printed("so far");
  expect(await run(["stop", "running", ...oneNode])).toMatchObject({ code: 0, stderr: "" });
  expect(await tail.exited()).toBe(0);
});

test("list finds what every master keeps, tail reads it, and show tells its size", async () => {
  const keyPrefix = `cli-${randomUUID()}`;
  const { close, ...clients } = await createClients("ioredis-6-cluster", cluster.url);
  const context = createResumableStreamContext({ ...clients, keyPrefix, waitUntil: null, keepText: true });
  onTestFinished(async () => {
    await context.close();
    close();
  });
  const ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
  for (const id of ids) await readWhole(context.resumableStream(id, sourceOf([`text of ${id}`])));
  const args = ["--key-prefix", keyPrefix, "--url", cluster.url];
  const listed = values(await run(["list", "--json", ...args]));
  expect(listed.map(({ streamId }) => String(streamId)).toSorted()).toEqual(ids);
  for (const facts of listed) expect(facts).toMatchObject({ status: "done", isKept: true, tail: 9 });
  for (const id of ["a", "b", "c"]) {
    expect(await run(["tail", id, ...args])).toEqual({ code: 0, stdout: `text of ${id}`, stderr: "" });
    const shown = values(await run(["show", id, "--json", ...args]))[0];
    expect(Number(shown?.["memoryBytes"])).toBeGreaterThan(9);
  }
});

test("lost finds what is owed on every master, and hands it over", async () => {
  const keyPrefix = `cli-${randomUUID()}`;
  const { close, ...clients } = await createClients("ioredis-6-cluster", cluster.url);
  const context = createResumableStreamContext({
    ...clients,
    keyPrefix,
    waitUntil: null,
    keepText: true,
    onError: () => undefined,
    onEnd: () => {
      throw new Error("no room");
    },
  });
  onTestFinished(async () => {
    await context.close();
    close();
  });
  const ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
  for (const id of ids) await readWhole(context.resumableStream(id, sourceOf([`text of ${id}`])));
  const keys = await Promise.all((await cluster.masters()).map((master) => master.keys(`${keyPrefix}:*`)));
  expect(keys.map((own) => own.length > 0)).toEqual([true, true, true]);
  const args = ["--key-prefix", keyPrefix, "--url", cluster.url];

  const listed = await run(["lost", "--json", ...args]);
  expect(listed.stderr).toBe("");
  const states = values(listed).map(({ streamId, status, handOver }) => [streamId, [status, handOver]]);
  expect(Object.fromEntries(states)).toEqual(Object.fromEntries(ids.map((id) => [id, ["done", "due"]])));
  const { path, file } = await moduleOf(taking);
  expect((await run(["lost", "--hand-over", path, ...args])).code).toBe(0);
  const texts = takenIn(file).map(({ text }) => String(text));
  expect(texts.toSorted()).toEqual(ids.map((id) => `text of ${id}`));
  expect((await run(["lost", "--json", ...args])).stdout).toBe("");
});

test("doctor finds a cluster that is fine so, and leaves nothing on it", async () => {
  const { code, findings, wrong } = await examine(cluster.url);
  expect(wrong).toEqual([]);
  expect([...findings.keys()].slice(0, 6)).toEqual([
    "connect",
    "cluster URL",
    "masters",
    "cluster state",
    "channels",
    "version",
  ]);
  expect(findings.get("cluster state")?.["found"]).toContain("all 16384 slots");
  expect(code).toBe(0);
  for (const node of await cluster.masters()) expect(await node.keys("*doctor*")).toEqual([]);
});

test("doctor tells the URL of one node from a server's, and says what to set", async () => {
  const { code, findings, wrong } = await examine(cluster.nodes[0]?.url ?? "");
  expect(wrong).toEqual(["cluster URL"]);
  expect(findings.get("cluster URL")?.["advice"]).toContain("separated by commas");
  expect(code).toBe(1);
});

test("doctor finds a slot that nobody has", async () => {
  const repair = await cluster.breakSlot(1);
  const { code, findings } = await examine(cluster.url);
  expect(findings.get("cluster state")).toMatchObject({
    status: "failed",
    found: containing("cluster_state is fail"),
    advice: containing("redis-cli --cluster check"),
  });
  expect(code).toBe(1);
  await repair();
});

test("doctor finds a master that isn't reached", async () => {
  const [, master] = await cluster.masters();
  await master?.kill();
  const { code, findings } = await examine(cluster.url);
  await master?.restart();
  expect(findings.get("masters")).toMatchObject({
    status: "failed",
    found: containing(String(master?.port)),
    advice: containing("cluster-announce-ip"),
  });
  expect(code).toBe(1);
  await cluster.whole();
});

test("doctor says so if a list names a server that is of no cluster", async () => {
  await using server = await RedisServer.start();
  const { code, findings } = await examine(`${server.url},`);
  expect(findings.get("connect")).toMatchObject({
    status: "failed",
    found: containing("cluster support disabled"),
    advice: containing("without a comma"),
  });
  expect(code).toBe(1);
});
