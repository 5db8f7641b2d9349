// What the store adds to the wait for the first words: one that is far away and not connected yet, and one that is away.

import { atMost } from "../lib/line.ts";
import { freshId, peers, startProducer } from "../lib/pair.ts";
import type { Measurement } from "../lib/row.ts";
import type { PeerName } from "../peers/peer.ts";
import type { RelayRow, RelaySetting } from "./setting.ts";

/** Until a model gives its first word. */
const MODEL_MS = 300;

export const first: RelayRow = {
  name: "first words, far store",
  rounds: 3,
  lines: [
    {
      key: "ms",
      label: "first words of a model that takes 300 ms, store 150 ms away and not connected",
      plain: "First word, cold start, Redis far away",
      unit: "ms",
      bounds: [{ ...atMost(1, "floor"), plus: 5 }],
    },
  ],
  contenders: {
    floor: (setting) => openFirst("ours", setting, { isFloor: true }),
    ...peers((peer, setting) => openFirst(peer, setting, { isFloor: false })),
  },
};

async function openFirst(
  peer: PeerName,
  { redis, proxy }: RelaySetting,
  { isFloor }: { isFloor: boolean },
): Promise<Measurement> {
  const producer = await startProducer(peer, redis.url);
  const given = { peer, url: proxy.url, modelMs: MODEL_MS, isFloor };
  return {
    measure: async () => ({ ms: await producer.call("coldFirstWordsMs", { id: freshId(), ...given }) }),
    [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
  };
}

export const away: RelayRow = {
  name: "first words, store away",
  rounds: 1,
  warmsUp: false,
  lines: [
    {
      key: "ms",
      label: "first words of the second answer while the store is away",
      unit: "ms",
      bounds: [atMost(50)],
    },
  ],
  contenders: {
    async ours({ redis }) {
      const producer = await startProducer("ours", redis.url);
      return {
        async measure() {
          await producer.call("firstByteMs", { id: freshId() });
          redis.pause();
          try {
            await producer.call("newFirstByteMs", { id: freshId() });
            return { ms: await producer.call("newFirstByteMs", { id: freshId() }) };
          } finally {
            redis.resume();
          }
        },
        [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
      };
    },
  },
};
