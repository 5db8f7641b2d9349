// What a model's pace costs: many streams at once that nobody follows, each chunk a timer's turn of its own.

import { atMost } from "../lib/line.ts";
import { startProducer } from "../lib/pair.ts";
import type { Measurement } from "../lib/row.ts";
import type { PeerName } from "../peers/peer.ts";
import type { RelayRow, RelaySetting } from "./setting.ts";

/** On a machine that is busy with other things a thousand streams take long. */
const CALL_LIMIT_MS = 100_000;
const STREAMS = 1_000;
/** As many chunks as a processor takes: how much work one is. */
const RUSH = { kind: "stamped" as const, chunks: 100, everyMs: 5 };
/** 20 words a second, as a model gives them. */
const CHAT = { kind: "stamped" as const, chunks: 80, everyMs: 50 };

const TRIED =
  "One look for the next turn of the event loop for all streams, no step of the state for a chunk that nobody follows, no `AbortController` in a claim and no timer of node-redis' for each command: from 2.26 to 1.5 times the pump, measured in one process. In runs since: 1.12 to 1.31 times the pump for paced streams, 1.02 to 1.55 times for 1000 chats, whose floor lies up to 43 % apart. The rest is the start and the end of a stream: 0.2 ms of a processor, in which are four commands, and 69 KB of short-lived objects where the published library has 46 KB. 1.05 leaves it 0.065 ms. 0.85 of the published library is less than the pump itself takes: that library hands a chunk to the queue of its reader's stream, where an error would discard it.";

export const paced: RelayRow = {
  name: "paced streams",
  rounds: 5,
  lines: [
    {
      key: "cpuMs",
      label: "CPU of 1000 paced streams nobody follows (100 chunks, one per 5 ms)",
      unit: "ms",
      bounds: [atMost(0.85, "published"), atMost(1.05, "floor")],
      tried: TRIED,
    },
  ],
  contenders: contenders(RUSH),
};

export const chats: RelayRow = {
  name: "chats",
  rounds: 2,
  lines: [
    {
      key: "share",
      label: "1000 chats nobody follows (20 chunks per second each), of one core",
      plain: "1000 chats at once, share of one core",
      unit: "%",
      bounds: [atMost(0.85, "published"), atMost(1.05, "floor")],
      tried: TRIED,
    },
  ],
  contenders: contenders(CHAT),
};

function contenders(source: typeof CHAT): RelayRow["contenders"] {
  return {
    floor: (setting) => openPaced("ours", setting, { source, isFloor: true }),
    published: (setting) => openPaced("published", setting, { source, isFloor: false }),
    ours: (setting) => openPaced("ours", setting, { source, isFloor: false }),
  };
}

async function openPaced(
  peer: PeerName,
  { redis }: RelaySetting,
  { source, isFloor }: { source: typeof CHAT; isFloor: boolean },
): Promise<Measurement> {
  const producer = await startProducer(peer, redis.url);
  return {
    async measure() {
      const cpuMs = await producer.call("pacedCpuMs", { streams: STREAMS, source, isFloor }, CALL_LIMIT_MS);
      return { cpuMs, share: cpuMs / (source.chunks * source.everyMs) };
    },
    [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
  };
}
