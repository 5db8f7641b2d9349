// What a model's pace costs: many streams at once that nobody follows, each chunk a timer's turn of its own.

import { atMost } from "../lib/line.ts";
import { startProducer } from "../lib/pair.ts";
import type { Measurement } from "../lib/row.ts";
import type { SourceSpec } from "../lib/source.ts";
import type { PeerName } from "../peers/peer.ts";
import type { RelayRow, RelaySetting } from "./setting.ts";

const STREAMS = 1_000;
const SOURCE: SourceSpec = { kind: "stamped", chunks: 100, everyMs: 5 };

export const paced: RelayRow = {
  name: "paced streams",
  rounds: 5,
  lines: [
    {
      key: "cpuMs",
      label: "CPU of 1000 paced streams nobody follows (100 chunks, one per 5 ms)",
      plain: "Processor time of 1000 answers nobody resumes",
      unit: "ms",
      bounds: [atMost(0.85, "published"), atMost(1.05, "floor")],
    },
  ],
  contenders: {
    floor: (setting) => openPaced("ours", setting, { isFloor: true }),
    published: (setting) => openPaced("published", setting, { isFloor: false }),
    ours: (setting) => openPaced("ours", setting, { isFloor: false }),
  },
};

async function openPaced(
  peer: PeerName,
  { redis }: RelaySetting,
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
