// What a model's pace costs: many streams at once that nobody follows, each chunk a timer's turn of its own.

import type { SourceSpec } from "../lib/source.ts";
import type { PeerName } from "../peers/peer.ts";
import { milliseconds, startProducer, type Measurement, type Row, type Setting } from "./row.ts";

const STREAMS = 1_000;
const SOURCE: SourceSpec = { kind: "stamped", chunks: 100, everyMs: 5 };

export const paced: Row = {
  name: "paced streams",
  rounds: 4,
  lines: [
    {
      key: "cpuMs",
      label: "CPU of 1000 paced streams nobody follows (100 chunks, one per 5 ms)",
      show: milliseconds,
      target: "≤ 0.85 × published, ≤ 1.05 × a hand-written pump",
      isReached: ({ ours, published, bare = Number.NaN }) => ours <= 0.85 * published && ours <= 1.05 * bare,
    },
  ],
  open: (peer, setting) => openPaced(peer, setting, { isFloor: false }),
  openBare: (setting) => openPaced("ours", setting, { isFloor: true }),
};

async function openPaced(
  peer: PeerName,
  { redis }: Setting,
  { isFloor }: { isFloor: boolean },
): Promise<Measurement> {
  const producer = await startProducer(peer, redis.url);
  return {
    measure: async () => ({
      cpuMs: await producer.call("pacedCpuMs", { streams: STREAMS, source: SOURCE, isFloor }),
    }),
    [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
  };
}
