// From the moment the source gives a chunk to the moment a follower in another process has it.

import { atMost } from "../lib/line.ts";
import { freshId, peers, startPair } from "../lib/pair.ts";
import { unitsOf, type SourceSpec } from "../lib/source.ts";
import { percentile } from "../lib/statistics.ts";
import type { RelayRow } from "./setting.ts";

const SOURCE: SourceSpec = { kind: "stamped", chunks: 400, everyMs: 8 };

export const latency: RelayRow = {
  name: "follower latency",
  rounds: 3,
  lines: [50, 99].map((percent) => ({
    key: `p${percent}`,
    label: `follower latency p${percent} (one chunk per 8 ms)`,
    plain: percent === 50 ? "Delay of a word in a second tab" : "The same, slowest of 100 words",
    unit: "ms",
    bounds: [atMost(1, "published")],
  })),
  contenders: peers(async (peer, { redis }) => {
    const { producer, followers, ...pair } = await startPair(peer, {
      producerUrl: redis.url,
      followersUrl: redis.url,
    });
    return {
      measure: async () => {
        const id = freshId();
        await producer.call("start", { id, source: SOURCE });
        await followers.call("attach", { id, count: 1, records: "latencies" });
        await producer.call("go", { id });
        const { latenciesMs } = await followers.call("ended", { id, units: unitsOf(SOURCE) });
        return { p50: percentile(latenciesMs, 50), p99: percentile(latenciesMs, 99) };
      },
      ...pair,
    };
  }),
};
