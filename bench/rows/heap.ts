// What an open stream holds: its text of 20 KB, in the small chunks that models give, and all that is around it.

import { kilobytes, startProducer, type Row } from "./row.ts";

const SPEC = { streams: 200, chunks: 4096, chunkLength: 5 };

export const heap: Row = {
  name: "heap of an open stream",
  rounds: 1,
  lines: [
    {
      key: "bytes",
      label: "heap of an open stream that holds 20 KB",
      show: kilobytes,
      target: "≤ 50 KB",
      isReached: ({ ours }) => ours <= 50 * 1024,
    },
  ],
  async open(peer, { redis }) {
    const producer = await startProducer(peer, redis.url, ["--expose-gc"]);
    return {
      measure: async () => ({ bytes: await producer.call("heapBytes", SPEC) }),
      [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
    };
  },
};
