// Rows: a master of a Redis cluster is killed under running streams, and its replica takes over; or none does; or a node hears of it late.

import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { createResumableStreamContext } from "../../src/redis.ts";
import { type ClusterClientKind, createClients } from "../support/clients.ts";
import type { WorkerProcess } from "../support/process.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { ClusterScene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";
import type { RedisClients } from "../support/worker-protocol.ts";

/** Each takes 20 s. node-redis 5 does what 4 does, and ioredis 5 what 6 does. */
const kinds: RedisClients[] = ["redis-4-cluster", "redis-6-cluster", "ioredis-6-cluster", "default-redis"];

/** Both ways over Redis. */
const ways = [
  ...kinds.map((kind) => ({ kind, keepText: false })),
  { kind: "redis-6-cluster", keepText: true },
  { kind: "ioredis-6-cluster", keepText: true },
] as const;

it.for(ways)(
  "over $kind, keepText: $keepText: no living producer is given up, and all have the whole text (G1, G2, G4)",
  async ({ kind, keepText }) => {
    await using cluster = await startRedisCluster();
    await using scene = new ClusterScene(kind, cluster);
    const [producer, follower] = await scene.workers(2, {
      options: { keyPrefix: randomUUID(), keepText },
    });
    if (!producer || !follower) throw new Error("Two workers were asked for");
    // Ids enough for records on each of the masters.
    const sources = ["a", "b", "c", "d", "e", "f"].map(sourceOf);
    await Promise.all(sources.map((source) => follow(source, { producer, follower })));

    const victim = await subscribersHost(cluster);
    await cluster.replace(victim);
    // Its own processes have noticed as well, and its successor serves: each id is found, and nobody takes a stream over.
    for (const { label } of sources) await untilFound(follower, label);
    for (const { label } of sources) await producer.ask("release", { label });

    for (const source of sources) {
      for (const worker of [producer, follower]) {
        const reading = await worker.ended(source.label, 20_000);
        expect(reading).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
      }
    }
    await producer.settled(20_000);
    for (const { label } of sources) expect(await follower.ask("has", { streamId: label })).toBe("DONE");
    expect(await scene.troubles()).toEqual([]);
  },
);

const outliving: RedisClients[] = ["redis-4-cluster", "redis-6-cluster", "ioredis-6-cluster"];

it.for(outliving)(
  "over %s: a dead node that isn't replaced takes no subscriber along (G1, G4)",
  async (kind) => {
    await using cluster = await startRedisCluster({ nodeTimeoutMs: 60_000 });
    await using scene = new ClusterScene(kind, cluster);
    const keyPrefix = randomUUID();
    const [producer, follower] = await scene.workers(2, { options: { keyPrefix } });
    if (!producer || !follower) throw new Error("Two workers were asked for");
    const sources = ["a", "b", "c", "d", "e", "f", "g", "h"].map(sourceOf);
    await Promise.all(sources.map((source) => follow(source, { producer, follower })));
    const victim = await subscribersHost(cluster);
    // Records of the others can't be written before somebody replaces it.
    const owners = await Promise.all(
      sources.map(async ({ label }) =>
        cluster.ownerOf(await cluster.slotOf(`${keyPrefix}:rs:sentinel:${label}`)),
      ),
    );
    const survivors = sources.filter((_, index) => owners[index] !== victim);
    expect(survivors.length).toBeGreaterThan(0);

    await cluster.lose(victim);
    for (const { label } of survivors) await producer.ask("release", { label });

    for (const source of survivors) {
      const reading = await follower.ended(source.label, 20_000);
      expect(reading).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
      await until(async () => (await follower.ask("has", { streamId: source.label })) === "DONE", {
        what: "the end to be written",
      });
    }
    expect(await scene.troubles()).toEqual([]);
  },
);

const versions: ClusterClientKind[] = ["redis-4-cluster", "redis-6-cluster"];

it.for(versions)(
  "over %s: a node that still names the dead master leaves no id without an answer",
  async (kind) => {
    await using cluster = await startRedisCluster();
    const [dead, behind] = await cluster.masters();
    if (!dead || !behind) throw new Error("The cluster has no masters");
    const keyPrefix = randomUUID();
    const idAt = async (master: RedisServer): Promise<{ id: string; slot: number }> => {
      for (let index = 0; ; index++) {
        const slot = await cluster.slotOf(`${keyPrefix}:rs:sentinel:${index}`);
        if ((await cluster.ownerOf(slot)) === master) return { id: String(index), slot };
      }
    };
    const deadId = String(await dead.command("CLUSTER", "MYID"));
    const [lost, other] = [await idAt(dead), await idAt(behind)];
    const clients = await createClients(kind, cluster.url);
    const context = createResumableStreamContext({
      waitUntil: null,
      keyPrefix,
      publisher: clients.publisher,
      subscriber: clients.subscriber,
      onError: () => undefined,
    });
    const answers = async ({ id }: { id: string }): Promise<boolean> => {
      const answer = context.hasExistingStream(id).then((status) => status === null);
      return answer.catch(() => false);
    };
    expect([await answers(lost), await answers(other)]).toEqual([true, true]);
    await cluster.replace(dead);
    await until(() => answers(lost), { what: "the client to know the new master" });

    // The node says what one says that has heard of no fail-over; nobody is there to tell it.
    const successor = await cluster.ownerOf(lost.slot);
    successor.pause();
    await behind.command("CLUSTER", "SETSLOT", String(lost.slot), "NODE", deadId);
    const layouts = await layoutsAsked(behind);
    askForNodes(clients.publisher as unknown as AskingClient, `${keyPrefix}:rs:sentinel:${other.id}`);
    await until(async () => (await layoutsAsked(behind)) > layouts, {
      what: "the client to ask for the nodes",
    });
    successor.resume();

    await until(() => answers(lost), { what: "an id of the dead master's to be answered", withinMs: 20_000 });
    await context.close();
    clients.close();
    await until(async () => (await clientsOf(successor)) === 0, {
      what: "all connections to be closed with the client",
    });
  },
);

interface AskingClient {
  sendCommand(firstKey: string, isReadonly: boolean, words: string[]): Promise<unknown>;
}

/** Has a client ask the key's node for the cluster's nodes: it is sent to one that it doesn't know. */
function askForNodes(client: AskingClient, key: string): void {
  const words = ["EVAL", "return redis.error_reply('ASK 0 nobody:0')", "0"];
  client.sendCommand(key, false, words).catch(() => undefined);
}

/** Connections of others than this one. */
async function clientsOf(node: RedisServer): Promise<number> {
  const list = String(await node.command("CLIENT", "LIST", "TYPE", "normal"));
  return list.trim().split("\n").length - 1;
}

/** How often clients have asked it for the cluster's nodes. */
async function layoutsAsked(node: RedisServer): Promise<number> {
  const stats = String(await node.command("INFO", "commandstats"));
  return Number(/^cmdstat_cluster\|slots:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}

function sourceOf(label: string): SourceSpec {
  return { label, chunks: 100, everyMs: 10, holdAfter: 50 };
}

async function follow(
  source: SourceSpec,
  { follower, producer }: { follower: WorkerProcess; producer: WorkerProcess },
): Promise<void> {
  const { label } = source;
  await producer.reads({ read: label, call: "createNewResumableStream", streamId: label, source });
  await follower.reads({ read: label, call: "resumeExistingStream", streamId: label });
  await follower.ask("reached", { read: label, length: sourceText(source, 50).length });
}

/** The id is told of as running. A cluster in the middle of its fail-over may refuse the question. */
async function untilFound(worker: WorkerProcess, streamId: string): Promise<void> {
  let seen = "";
  const isFound = async (): Promise<boolean> => {
    const answer = worker.ask("has", { streamId });
    seen = await answer.then(String, (error: unknown) => String(error));
    return seen === "true";
  };
  await until(isFound, { what: () => `"${streamId}" to be found, and saw ${seen}` });
}

/** The master with most of the subscriptions: the one that is missed most. */
async function subscribersHost(cluster: RedisCluster): Promise<RedisServer> {
  const masters = await cluster.masters();
  const counts = await Promise.all(masters.map(async (node) => (await node.pubsubChannels()).length));
  const host = masters[counts.indexOf(Math.max(...counts))];
  if (!host) throw new Error("The cluster has no master");
  return host;
}
