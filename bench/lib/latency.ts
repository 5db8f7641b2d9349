// How long a chunk takes from its source to a follower in another process.

import type { RedisServer } from "../../test/support/redis-server.ts";
import type { PeerName } from "../peers/peer.ts";
import { freshId, startPair } from "./pair.ts";
import type { Measurement } from "./row.ts";
import { type SourceSpec, unitsOf } from "./source.ts";
import { percentile } from "./statistics.ts";

export async function openLatency(
  peer: PeerName,
  redis: RedisServer,
  source: SourceSpec,
): Promise<Measurement> {
  const { producer, followers, ...pair } = await startPair(peer, {
    producerUrl: redis.url,
    followersUrl: redis.url,
  });
  return {
    measure: async () => {
      const id = freshId();
      await producer.call("start", { id, source });
      await followers.call("attach", { id, count: 1, records: "latencies" });
      await producer.call("go", { id });
      const { latenciesMs } = await followers.call("ended", { id, units: unitsOf(source) });
      return { p50: percentile(latenciesMs, 50), p99: percentile(latenciesMs, 99) };
    },
    ...pair,
  };
}
