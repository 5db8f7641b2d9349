// From the moment the source gives a chunk to the moment a follower in another process has it.

import { atMost } from "../lib/line.ts";
import { openLatency } from "../lib/latency.ts";
import { peers } from "../lib/pair.ts";
import type { SourceSpec } from "../lib/source.ts";
import type { RelayRow } from "./setting.ts";

const SOURCE: SourceSpec = { kind: "stamped", chunks: 400, everyMs: 8 };

export const latency: RelayRow = {
  name: "follower latency",
  rounds: 3,
  lines: [50, 99].map((percent) => ({
    key: `p${percent}`,
    label: `follower latency p${percent} (one chunk per 8 ms)`,
    tried:
      "A chunk alone in its turn is announced and published at once, before its own reader is woken, and a follower's page is parsed once for all of a process. Runs differ by more than the two libraries do: 0.66 to 1.33 times the published one.",
    plain: percent === 50 ? "Delay of a word in a second tab" : "The same, slowest of 100 words",
    unit: "ms",
    bounds: [atMost(1, "published")],
  })),
  contenders: peers((peer, { redis }) => openLatency(peer, redis, SOURCE)),
};
