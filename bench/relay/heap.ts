// What an open stream holds: its text of 20 KB, in the small chunks that models give, and all that is around it.

import { atMost } from "../lib/line.ts";
import { peers, startProducer } from "../lib/pair.ts";
import type { RelayRow } from "./setting.ts";

const SPEC = { streams: 200, chunks: 4096, chunkLength: 5 };

export const heap: RelayRow = {
  name: "heap of an open stream",
  rounds: 2,
  lines: [
    {
      key: "bytes",
      label: "heap of an open stream that holds 20 KB",
      plain: "Memory of a running answer of 20 KB",
      unit: "bytes",
      bounds: [atMost(50 * 1024)],
    },
  ],
  contenders: peers(async (peer, { redis }) => {
    const producer = await startProducer(peer, redis.url, ["--expose-gc"]);
    return {
      measure: async () => ({ bytes: await producer.call("heapBytes", SPEC) }),
      [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
    };
  }),
};
