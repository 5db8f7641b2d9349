// Chunks a second: of a stream nobody follows, beside its bare source, and of one that 1, 10 or 50 follow.

import { atLeast } from "../lib/line.ts";
import { freshId, peers, startPair, startProducer } from "../lib/pair.ts";
import type { Measurement } from "../lib/row.ts";
import { unitsOf, type SourceSpec } from "../lib/source.ts";
import type { PeerName } from "../peers/peer.ts";
import type { RelayRow, RelaySetting } from "./setting.ts";

const UNFOLLOWED: SourceSpec = { kind: "burst", chunks: 200_000, chunkLength: 20 };

export const unfollowed: RelayRow = {
  name: "unfollowed throughput",
  rounds: 5,
  lines: [
    {
      key: "chunksPerSecond",
      label: "unfollowed, chunks/s",
      tried:
        "128 chunks share an announcement, and a block of text is joined from 64 pieces at a time: 0.2 before, 0.6 to 0.7 since. Larger shares gained nothing. The floor reads the source alone, and keeps no text for anybody who comes later.",
      unit: "chunks/s",
      bounds: [atLeast(0.8, "floor")],
    },
  ],
  contenders: {
    floor: (setting) => openUnfollowed("ours", setting, { bare: true }),
    published: (setting) => openUnfollowed("published", setting, { bare: false }),
    ours: (setting) => openUnfollowed("ours", setting, { bare: false }),
  },
};

async function openUnfollowed(
  peer: PeerName,
  { redis }: RelaySetting,
  { bare }: { bare: boolean },
): Promise<Measurement> {
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
export const followed: RelayRow[] = [
  { count: 1, chunks: 10_000 },
  { count: 10, chunks: 6_000 },
  { count: 50, chunks: 3_000 },
].map(({ count, chunks }) => followedBy(count, { kind: "burst", chunks, chunkLength: 20 }));

function followedBy(count: number, source: SourceSpec): RelayRow {
  return {
    name: `throughput with ${count} followers`,
    rounds: 3,
    lines: [
      {
        key: "chunksPerSecond",
        label: `followed by ${count}, chunks/s`,
        ...(count === 50 && { plain: "A burst of text to 50 readers" }),
        unit: "chunks/s",
        bounds: [atLeast(10, "published")],
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
          await producer.call("start", { id, source });
          await followers.call("attach", { id, count, records: "units" });
          const startedAt = await producer.call("go", { id });
          const { endedAt } = await followers.call("ended", { id, units: unitsOf(source) });
          return { chunksPerSecond: source.chunks / ((endedAt - startedAt) / 1_000_000) };
        },
        ...pair,
      };
    }),
  };
}
