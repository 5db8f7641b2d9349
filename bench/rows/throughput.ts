// Chunks a second: of a stream nobody follows, beside its bare source, and of one that 1, 10 or 50 follow.

import { unitsOf, type SourceSpec } from "../lib/source.ts";
import {
  freshId,
  perSecond,
  startPair,
  startProducer,
  type Measurement,
  type Row,
  type Setting,
} from "./row.ts";
import type { PeerName } from "../peers/peer.ts";

const UNFOLLOWED: SourceSpec = { kind: "burst", chunks: 200_000, chunkLength: 20 };

export const unfollowed: Row = {
  name: "unfollowed throughput",
  rounds: 5,
  lines: [
    {
      key: "chunksPerSecond",
      label: "unfollowed, chunks/s",
      show: perSecond,
      target: "≥ 0.8 × bare source",
      isReached: ({ ours, bare = Number.NaN }) => ours >= 0.8 * bare,
    },
  ],
  open: (peer, setting) => openUnfollowed(peer, setting, false),
  openBare: (setting) => openUnfollowed("ours", setting, true),
};

async function openUnfollowed(peer: PeerName, { redis }: Setting, bare: boolean): Promise<Measurement> {
  const producer = await startProducer(peer, redis.url);
  return {
    measure: async () => {
      const took = await producer.call("unfollowed", { id: freshId(), source: UNFOLLOWED, bare });
      return { chunksPerSecond: (UNFOLLOWED.chunks / took) * 1000 };
    },
    [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
  };
}

/** The more follow, the fewer chunks the published library gets through in the time there is. */
export const followed: Row[] = [
  { count: 1, chunks: 20_000 },
  { count: 10, chunks: 15_000 },
  { count: 50, chunks: 10_000 },
].map(({ count, chunks }) => followedBy(count, { kind: "burst", chunks, chunkLength: 20 }));

function followedBy(count: number, source: SourceSpec): Row {
  return {
    name: `throughput with ${count} followers`,
    rounds: 3,
    lines: [
      {
        key: "chunksPerSecond",
        label: `followed by ${count}, chunks/s`,
        show: perSecond,
        target: "≥ 10 × published",
        isReached: ({ ours, published }) => ours >= 10 * published,
      },
    ],
    async open(peer, { redis }) {
      const { producer, followers, ...pair } = await startPair(peer, {
        producerUrl: redis.url,
        followersUrl: redis.url,
      });
      return {
        measure: async () => {
          const id = freshId();
          await producer.call("start", { id, source });
          await followers.call("attach", { id, count, records: "units" });
          const startedAt = await producer.call("go", { id });
          const { endedAt } = await followers.call("ended", { id, units: unitsOf(source) });
          return { chunksPerSecond: source.chunks / ((endedAt - startedAt) / 1_000_000) };
        },
        ...pair,
      };
    },
  };
}
