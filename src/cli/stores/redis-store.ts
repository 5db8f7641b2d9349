// Streams over Redis: their records, and what their producers answer.

import { createContext } from "../../api/context.ts";
import { checkOptions } from "../../api/options.ts";
import { createRelayTransport } from "../../contexts/relay.ts";
import { systemClock } from "../../lib/clock.ts";
import { connect } from "../../contexts/pubsub-clients.ts";
import { endKey, parseEnd, parseRecord, type StatusRecord } from "../../transports/relay/record.ts";
import { createNames, type Names } from "../../transports/relay/protocol.ts";
import type { Page, Transport } from "../../port/transport.ts";
import { openRedis, toPairs } from "../redis-client.ts";
import { mastersOf, type RedisClient, type RedisNode } from "../redis-single.ts";
import { follow, LastEnd, type Store, type StreamFacts, type StoreOptions } from "./store.ts";

/** Keys a `SCAN` looks at: few enough not to hold the server up. */
const SCAN_COUNT = 500;

interface Parts {
  publisher: RedisClient;
  names: Names;
  transport: Transport;
}

export async function openRedisStore({ url, ...options }: StoreOptions): Promise<Store> {
  const last = new LastEnd();
  const checked = checkOptions({ ...options, waitUntil: null, onEvent: last.onEvent });
  const publisher = await openRedis(url);
  const subscriber = await openRedis(url).catch((error: unknown) => {
    publisher.close();
    throw error;
  });
  const connection = connect({ publisher: publisher.client, subscriber: subscriber.client });
  const transport = createRelayTransport(checked, connection);
  const context = createContext({ transport, options: checked, clock: systemClock });
  const parts: Parts = { publisher, names: createNames(checked.keyPrefix), transport };
  return {
    list: () => list(parts),
    show: (streamId) => show(parts, streamId),
    tail: (streamId, from) => follow({ context, transport, last }, { streamId, from }),
    context,
    remove: async (streamId) => void (await publisher.ask("DEL", ...keysOf(parts.names.record(streamId)))),
    close: async () => {
      await context.close();
      publisher.close();
      subscriber.close();
    },
  };
}

async function* list({ publisher, names }: Parts): AsyncGenerator<StreamFacts> {
  const prefix = names.record("");
  // A scan may give a key twice, and two nodes give the same one while it moves.
  const seen = new Set<string>();
  for (const node of await mastersOf(publisher)) {
    for await (const keys of scan(node, prefix)) {
      const fresh = keys.filter((key) => !seen.has(key));
      for (const key of fresh) seen.add(key);
      yield* facts(
        { publisher, names },
        fresh.map((key) => key.slice(prefix.length)),
      );
    }
  }
}

async function* scan(node: RedisNode, prefix: string): AsyncGenerator<string[]> {
  let cursor = "0";
  do {
    const pattern = `${prefix.replace(/[*?[\]\\^]/g, "\\$&")}*`;
    const reply = await node.ask("SCAN", cursor, "MATCH", pattern, "COUNT", String(SCAN_COUNT));
    const [next, keys] = Array.isArray(reply) ? (reply as unknown[]) : [];
    cursor = String(next);
    yield strings(keys);
  } while (cursor !== "0");
}

async function* facts(
  { publisher, names }: Pick<Parts, "publisher" | "names">,
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

async function show(
  { publisher, names, transport }: Parts,
  streamId: string,
): Promise<StreamFacts | undefined> {
  const [[found], value] = await Promise.all([
    collect(facts({ publisher, names }, [streamId])),
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

/** Asks a stream's producer where it is; undefined if the producer is gone. */
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

/** Null if it never expires. */
function toExpiry(reply: unknown): number | null {
  const seconds = Number(reply);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

function strings(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
