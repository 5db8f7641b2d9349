// Round trips a reader waits for its first byte, in units of a PING on the same far-away server.

import { atMost } from "../lib/line.ts";
import { freshId, peers, startPair, startProducer } from "../lib/pair.ts";
import type { RelayRow } from "./setting.ts";

export const newStream: RelayRow = {
  name: "first byte of a new stream",
  rounds: 3,
  lines: [
    {
      key: "trips",
      label: "first byte of a new stream, round trips",
      plain: "Wait for the first word of an answer",
      unit: "count",
      bounds: [atMost(1.1)],
    },
  ],
  contenders: peers(async (peer, { proxy }) => {
    const producer = await startProducer(peer, proxy.url);
    return {
      measure: async () => {
        const ping = await producer.call("pingMs", undefined);
        return { trips: (await producer.call("firstByteMs", { id: freshId() })) / ping };
      },
      [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
    };
  }),
};

export const resumedStream: RelayRow = {
  name: "first byte of a resume",
  rounds: 3,
  lines: [
    {
      key: "trips",
      label: "first byte of a resume, round trips",
      plain: "Wait for the first word after a reload",
      unit: "count",
      bounds: [atMost(2.1)],
    },
  ],
  contenders: peers(async (peer, { redis, proxy }) => {
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
  }),
};
