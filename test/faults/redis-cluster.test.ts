// Rows of a Redis cluster: a slot moves key by key under a stream, the cluster is down for a while, and subscribers are cut, or refused.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClusterClientKind } from "../support/clients.ts";
import type { WorkerProcess } from "../support/process.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { ClusterScene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";

const clients: ClusterClientKind[] = ["redis-6-cluster", "ioredis-6-cluster"];
let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterAll(() => cluster.stop());

/** Both ways over Redis. */
const kinds = clients.flatMap((kind) => [
  { kind, keepText: false },
  { kind, keepText: true },
]);

describe.each(kinds)("over $kind, keepText: $keepText", ({ kind, keepText }) => {
  it("a slot moves key by key: streams from before, meanwhile and after are followed whole, without trouble (G1, G2)", async () => {
    await using scene = new ClusterScene(kind, cluster);
    const { keyPrefix, producer, follower } = await open(scene, keepText);
    const slot = await cluster.slotOf(keyPrefix);
    const before = await Streaming.start({ producer, follower, streamId: "before" });

    const move = await cluster.beginMove(slot);
    const refused = await errorsOf(move.to, "TRYAGAIN");
    // Some of its keys are there and others aren't yet: a script of all of them is told to try again.
    const kept = keepText ? 2 : 1;
    expect(await cluster.moveKeys(move, kept)).toBe(kept);
    const starting = Streaming.start({ producer, follower, streamId: "meanwhile" });
    await before.release();
    await until(async () => (await errorsOf(move.to, "TRYAGAIN")) > refused, { what: "an answer TRYAGAIN" });
    await cluster.finishMove(move);
    const meanwhile = await starting;
    const after = await Streaming.start({ producer, follower, streamId: "after" });
    await Promise.all([meanwhile.release(), after.release()]);

    for (const streaming of [before, meanwhile, after]) await expectWhole(streaming);
    expect(await scene.errors()).toEqual([]);
    expect(await scene.troubles()).toEqual([]);
  });

  it("a cluster that is down for a while: a stream that ends and one that begins meanwhile are whole (G1, G2)", async () => {
    await using scene = new ClusterScene(kind, cluster);
    const { keyPrefix, producer, follower } = await open(scene, keepText);
    const slot = await cluster.slotOf(keyPrefix);
    const ending = await Streaming.start({ producer, follower, streamId: "ending" });

    const owner = await cluster.ownerOf(slot);
    const repair = await cluster.breakSlot((slot + 1) % 16_384);
    const refused = await errorsOf(owner, "CLUSTERDOWN");
    await ending.release();
    const beginning = Streaming.start({ producer, follower, streamId: "beginning" });
    await until(async () => (await errorsOf(owner, "CLUSTERDOWN")) >= refused + 2, {
      what: "two commands to be refused",
    });
    await repair();

    const begun = await beginning;
    await begun.release();
    for (const streaming of [ending, begun]) await expectWhole(streaming);
    expect(await scene.errors()).toEqual([]);
    expect(await scene.troubles()).toEqual([]);
  });

  it("subscribers are cut on every node: they hear again, and the text is whole (G1)", async () => {
    await using scene = new ClusterScene(kind, cluster);
    const { producer, follower } = await open(scene, keepText);
    const streaming = await Streaming.start({ producer, follower, streamId: "cut" });
    const cut = await Promise.all(cluster.nodes.map((node) => node.killPubSubConnections()));
    expect(cut.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2);
    await streaming.release();
    await expectWhole(streaming);
    expect(await scene.troubles()).toEqual([]);
  });

  it("an access list takes the channels away for a while: no process ends, and the text is whole (G1, G7)", async () => {
    await using scene = new ClusterScene(kind, cluster);
    const { producer, follower } = await open(scene, keepText);
    const streaming = await Streaming.start({ producer, follower, streamId: "refused" });
    const refused = (): Promise<number> =>
      sumOf(async (node) => refusalsOf(await node.command("INFO", "commandstats")));
    const allow = (channels: string) =>
      Promise.all(cluster.nodes.map((node) => node.command("ACL", "SETUSER", "default", channels)));
    const before = await refused();
    await allow("resetchannels");
    await until(async () => (await refused()) >= before + 2, { what: "both to be refused" });
    await allow("allchannels");
    await streaming.release();
    await expectWhole(streaming);
  });
});

async function sumOf(count: (node: RedisServer) => Promise<number>): Promise<number> {
  const counts = await Promise.all(cluster.nodes.map(count));
  return counts.reduce((sum, each) => sum + each, 0);
}

function refusalsOf(commandStats: unknown): number {
  const [, count = "0"] = /cmdstat_subscribe:.*rejected_calls=(\d+)/.exec(String(commandStats)) ?? [];
  return Number(count);
}

interface Parts {
  keyPrefix: string;
  producer: WorkerProcess;
  follower: WorkerProcess;
}

/** With a tag: all records of the prefix have one slot. */
async function open(scene: ClusterScene, keepText: boolean): Promise<Parts> {
  const keyPrefix = `{${randomUUID()}}`;
  const [producer, follower] = await scene.workers(2, { options: { keyPrefix, keepText } });
  if (!producer || !follower) throw new Error("Two workers were asked for");
  return { keyPrefix, producer, follower };
}

interface StreamingParams extends Omit<Parts, "keyPrefix"> {
  streamId: string;
}

/** A stream with a follower, which holds in its middle until it is released. */
class Streaming {
  readonly params: StreamingParams;
  readonly source: SourceSpec;

  private constructor(params: StreamingParams) {
    this.params = params;
    this.source = { label: params.streamId, chunks: 60, everyMs: 5, holdAfter: 20 };
  }

  /** Resolves when the follower has the first half. */
  static async start(params: StreamingParams): Promise<Streaming> {
    const streaming = new Streaming(params);
    const { follower, producer, streamId } = params;
    const source = streaming.source;
    await producer.reads({ read: streamId, call: "createNewResumableStream", streamId, source });
    await follower.reads({ read: streamId, call: "resumeExistingStream", streamId });
    await follower.ask("reached", { read: streamId, length: sourceText(source, 20).length });
    return streaming;
  }

  async release(): Promise<void> {
    await this.params.producer.ask("release", { label: this.source.label });
  }
}

async function expectWhole({ params, source }: Streaming): Promise<void> {
  const { follower, producer, streamId } = params;
  for (const worker of [producer, follower]) {
    const reading = await worker.ended(streamId, 15_000);
    expect(reading).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
  }
  await producer.settled(10_000);
  expect(await follower.ask("has", { streamId })).toBe("DONE");
}

/** How often a server answered with an error of this kind. */
async function errorsOf(node: RedisServer, code: string): Promise<number> {
  const stats = String(await node.command("INFO", "errorstats"));
  return Number(new RegExp(`^errorstat_${code}:count=(\\d+)`, "m").exec(stats)?.[1] ?? 0);
}
