// Streams whose text a producer passes on: their records, and what their producers answer.

import type { Page, Transport } from "../../port/transport.ts";
import { endKey, parseEnd, parseRecord, type StatusRecord } from "../../transports/relay/record.ts";
import type { Names } from "../../transports/relay/protocol.ts";
import { toExpiry, toPairs } from "../redis-client.ts";
import type { RedisClient } from "../redis-single.ts";
import type { StreamFacts } from "./store.ts";

export interface RelayParts {
  publisher: RedisClient;
  names: Names;
  transport: Transport;
}

/** The facts known of each; without those whose id is free. */
export async function* relayFacts(
  { publisher, names }: Pick<RelayParts, "publisher" | "names">,
  ids: readonly string[],
): AsyncGenerator<StreamFacts> {
  if (ids.length === 0) return;
  const [values, ends, lives, listening] = await Promise.all([
    valuesOf(publisher, ids.map(names.record)),
    // A key that no stream has stands in for the one that a record can't have.
    valuesOf(
      publisher,
      ids.map((id) => endKey(names.record(id)) ?? names.record("")),
    ),
    Promise.all(ids.map((id) => publisher.ask("TTL", names.record(id)))),
    countSubscribers(publisher, ids.map(names.request)),
  ]);
  for (const [index, streamId] of ids.entries()) {
    const record = parseRecord(values[index]);
    if (record.status === "free") continue;
    const isAlive = listening.get(names.request(streamId)) !== 0;
    const expiresInSeconds = toExpiry(lives[index]);
    const last = record.status === "done" ? parseEnd(ends[index]) : undefined;
    if (last) yield { streamId, status: last.end, tail: last.tail, expiresInSeconds };
    else yield { streamId, status: statusOf(record, isAlive), expiresInSeconds };
  }
}

/** Of a record that doesn't say more of its end: version 2 wrote it. */
function statusOf(record: StatusRecord, isAlive: boolean): "done" | "running" | "lost" {
  if (record.status === "done") return "done";
  return isAlive ? "running" : "lost";
}

/** All that a server keeps of a stream. */
export function keysOf(record: string): string[] {
  const beside = endKey(record);
  return beside === undefined ? [record] : [record, beside];
}

export async function showRelayed(
  { publisher, names, transport }: RelayParts,
  streamId: string,
): Promise<StreamFacts | undefined> {
  const [[found], value] = await Promise.all([
    collect(relayFacts({ publisher, names }, [streamId])),
    publisher.ask("GET", names.record(streamId)),
  ]);
  const record = parseRecord(value);
  if (!found || record.status !== "claimed") return found;
  const [page, following] = await Promise.all([
    askProducer(transport, { streamId, record }),
    countSubscribers(publisher, [names.live(streamId)]),
  ]);
  return {
    ...found,
    status: page ? (page.end ?? "running") : "lost",
    tail: page?.tail ?? null,
    epoch: record.epoch || null,
    followerProcesses: following.get(names.live(streamId)) ?? null,
  };
}

/** What its producer says of itself; undefined if it is gone. */
async function askProducer(
  transport: Transport,
  { streamId, record }: { streamId: string; record: Extract<StatusRecord, { status: "claimed" }> },
): Promise<Page | undefined> {
  const watch = transport.watch(streamId, () => undefined);
  try {
    await watch.ready;
    const epoch = record.epoch === 0 ? undefined : record.epoch;
    const result = await transport.read(streamId, { from: 0, maxUnits: 0, epoch });
    return result.status === "page" ? result.page : undefined;
  } finally {
    watch.close();
  }
}

/** In the order of the keys. On a cluster no command may have keys of several slots. */
async function valuesOf(client: RedisClient, keys: readonly string[]): Promise<readonly unknown[]> {
  if (client.connection.isCluster) return Promise.all(keys.map((key) => client.ask("GET", key)));
  const values: unknown = await client.ask("MGET", ...keys);
  return Array.isArray(values) ? (values as unknown[]) : [];
}

/** By channel; without those of which the server doesn't tell. Each node of a cluster counts its own. */
async function countSubscribers(
  client: RedisClient,
  channels: readonly string[],
): Promise<Map<string, number>> {
  const nodes = await client.nodes();
  const replies = await Promise.allSettled(nodes.map((node) => node.ask("PUBSUB", "NUMSUB", ...channels)));
  const counts = new Map<string, number>();
  for (const reply of replies) {
    // A node that is away may have any number. If none tells, nothing is known at all.
    if (reply.status === "rejected") {
      if (nodes.length === 1) throw reply.reason;
      continue;
    }
    for (const [channel, count] of toPairs(reply.value))
      counts.set(channel, (counts.get(channel) ?? 0) + Number(count));
  }
  const isWhole = replies.every(({ status }) => status === "fulfilled");
  return new Map([...counts].filter(([, count]) => isWhole || count > 0));
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}
