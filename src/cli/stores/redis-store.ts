// Streams over Redis, of both kinds: those whose text Redis keeps, and those that producers pass on.

import { createContext } from "../../api/context.ts";
import { checkOptions } from "../../api/options.ts";
import { createRelayTransport } from "../../contexts/relay.ts";
import { systemClock } from "../../lib/clock.ts";
import { connect } from "../../contexts/pubsub-clients.ts";
import { parseRecord } from "../../transports/relay/record.ts";
import { createNames, type Names } from "../../transports/relay/protocol.ts";
import { openRedis } from "../redis-client.ts";
import type { RedisClient } from "../redis-single.ts";
import { KeptStreams } from "./redis-kept.ts";
import { keysOf, relayFacts, type RelayParts, showRelayed } from "./redis-relayed.ts";
import { scanFor } from "./redis-scan.ts";
import { follow, LastEnd, STOP, type Store, type StreamFacts, type StoreOptions } from "./store.ts";

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
  const relayed: RelayParts = { publisher, names: createNames(checked.keyPrefix), transport };
  const kept = new KeptStreams({ publisher, subscriber, checked });
  const isKept = (streamId: string): Promise<boolean> => keeps({ kept, relayed }, streamId);
  return {
    list: () => list({ kept, relayed }, `${checked.keyPrefix}:rs:`),
    show: async (streamId) =>
      (await isKept(streamId)) ? kept.show(streamId) : showRelayed(relayed, streamId),
    tail: async (streamId, from) => {
      const over = (await isKept(streamId)) ? kept : { context, transport };
      return follow({ context: over.context, transport: over.transport, last }, { streamId, from });
    },
    stop: async (streamId) => ((await isKept(streamId)) ? kept.context : context).stopStream(streamId, STOP),
    context,
    remove: async (streamId) => {
      if (await isKept(streamId)) return kept.remove(streamId);
      await publisher.ask("DEL", ...keysOf(relayed.names.record(streamId)));
    },
    close: async () => {
      await Promise.all([context.close(), kept.context.close()]);
      publisher.close();
      subscriber.close();
    },
  };
}

interface Both {
  kept: KeptStreams;
  relayed: RelayParts;
}

async function* list({ kept, relayed }: Both, beginning: string): AsyncGenerator<StreamFacts> {
  const { publisher, names } = relayed;
  const idsOf = (keys: readonly string[], idOf: (key: string) => string | undefined): string[] =>
    keys.map(idOf).filter((id) => id !== undefined);
  const isRecord = (key: string): boolean => (kept.idOf(key) ?? relayedId(names, key)) !== undefined;
  for await (const keys of scanFor({ publisher, beginning, isWanted: isRecord })) {
    yield* relayFacts(
      relayed,
      idsOf(keys, (key) => relayedId(names, key)),
    );
    yield* kept.facts(idsOf(keys, (key) => kept.idOf(key)));
  }
}

/** By what is there. Where both kinds are, since an app went from one to the other, what runs is meant. */
async function keeps({ kept, relayed }: Both, streamId: string): Promise<boolean> {
  if (!(await kept.isThere(streamId))) return false;
  if (await kept.runs(streamId)) return true;
  return parseRecord(await valueOf(relayed, streamId)).status !== "claimed";
}

function valueOf(
  { publisher, names }: { publisher: RedisClient; names: Names },
  streamId: string,
): Promise<unknown> {
  return publisher.ask("GET", names.record(streamId));
}

function relayedId(names: Names, key: string): string | undefined {
  const prefix = names.record("");
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}
