// Round trips a reader waits for its first byte, in units of a PING on the same far-away server.

import { asIs, freshId, startPair, startProducer, type Row } from "./row.ts";

export const newStream: Row = {
  name: "first byte of a new stream",
  rounds: 5,
  lines: [
    {
      key: "trips",
      label: "first byte of a new stream, round trips",
      show: asIs(1),
      target: "≤ 1.1",
      isReached: ({ ours }) => ours <= 1.1,
    },
  ],
  async open(peer, { proxy }) {
    const producer = await startProducer(peer, proxy.url);
    return {
      measure: async () => {
        const ping = await producer.call("pingMs", undefined);
        return { trips: (await producer.call("firstByteMs", { id: freshId() })) / ping };
      },
      [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
    };
  },
};

export const resumedStream: Row = {
  name: "first byte of a resume",
  rounds: 5,
  lines: [
    {
      key: "trips",
      label: "first byte of a resume, round trips",
      show: asIs(1),
      target: "≤ 2.1",
      isReached: ({ ours }) => ours <= 2.1,
    },
  ],
  async open(peer, { redis, proxy }) {
    const { producer, followers, ...pair } = await startPair(peer, {
      producerUrl: redis.url,
      followersUrl: proxy.url,
    });
    const id = freshId();
    await producer.call("hold", { id, chunks: 10, chunkLength: 20 });
    return {
      measure: async () => {
        const ping = await followers.call("pingMs", undefined);
        return { trips: (await followers.call("firstByteMs", { id })) / ping };
      },
      ...pair,
    };
  },
};
