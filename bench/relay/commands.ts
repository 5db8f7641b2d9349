// Commands, as the server saw them.

import { setTimeout as pass } from "node:timers/promises";
import type { RedisServer } from "../../test/support/redis-server.ts";
import { atMost } from "../lib/line.ts";
import { freshId, peers, startPair, startProducer } from "../lib/pair.ts";
import { unitsOf, type SourceSpec } from "../lib/source.ts";
import { connectedClient } from "../peers/client.ts";
import type { RelayRow } from "./setting.ts";

/** Nothing was sent for so long: nothing more comes. */
const QUIET_MS = 200;

export const unfollowedCommands: RelayRow = {
  name: "commands of a stream nobody follows",
  rounds: 2,
  lines: [
    {
      key: "commands",
      label: "commands sent for a stream nobody follows (1000 chunks)",
      unit: "count",
      bounds: [atMost(5)],
    },
  ],
  contenders: peers(async (peer, { redis }) => {
    const producer = await startProducer(peer, redis.url);
    return {
      measure: async () => {
        const source: SourceSpec = { kind: "burst", chunks: 1000, chunkLength: 20 };
        const stream = { id: freshId(), source, bare: false };
        return { commands: await commandsSent(redis, () => producer.call("unfollowed", stream)) };
      },
      [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
    };
  }),
};

const CHUNKS = 400;

export const publishes: RelayRow = {
  name: "publishes with 50 followers",
  rounds: 2,
  lines: [
    {
      key: "publishes",
      label: "publishes per chunk, 50 followers in one process",
      plain: "Redis messages per word, 50 readers",
      unit: "count",
      // The end is a message too.
      bounds: [atMost(1.01)],
    },
  ],
  contenders: peers(async (peer, { redis }) => {
    const { producer, followers, ...pair } = await startPair(peer, {
      producerUrl: redis.url,
      followersUrl: redis.url,
    });
    return {
      measure: async () => {
        const id = freshId();
        const source: SourceSpec = { kind: "stamped", chunks: CHUNKS, everyMs: 3 };
        await producer.call("start", { id, source });
        await followers.call("attach", { id, count: 50, records: "units" });
        // What attaching costs isn't a chunk's.
        const { publish: before = 0 } = await redis.commandCounts();
        await producer.call("go", { id });
        await followers.call("ended", { id, units: unitsOf(source) });
        const { publish: after = 0 } = await redis.commandCounts();
        return { publishes: (after - before) / CHUNKS };
      },
      ...pair,
    };
  }),
};

/** What clients send, until no more comes: an end is written behind its reader's back. Commands within a script aren't sent. */
async function commandsSent(redis: RedisServer, act: () => Promise<unknown>): Promise<number> {
  const listener = await connectedClient(redis.url);
  let sent = 0;
  await listener.monitor((line) => {
    if (!/^\S+ \[\d+ lua\]/.test(line)) sent += 1;
  });
  await act();
  for (let last = -1; last !== sent; await pass(QUIET_MS)) last = sent;
  listener.destroy();
  return sent;
}
