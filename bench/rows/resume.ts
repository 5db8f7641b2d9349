// A follower that comes late to a long stream: 10 MB of backlog, until it has all of it.

import { createClient } from "redis";
import { freshId, kilobytes, milliseconds, startPair, type Row } from "./row.ts";

const CHUNKS = 10_240;
const CHUNK_LENGTH = 1024;

export const resume: Row = {
  name: "resume of a 10 MB backlog",
  rounds: 5,
  lines: [
    {
      key: "took",
      label: "resume of a 10 MB backlog",
      show: milliseconds,
      target: "no slower",
      isReached: ({ ours, published }) => ours <= published,
    },
    {
      key: "biggest",
      label: "… its biggest message",
      show: kilobytes,
      target: "≤ 256 KB",
      // A message is a page and the header that says which.
      isReached: ({ ours }) => ours <= 257 * 1024,
    },
  ],
  async open(peer, { redis }) {
    const { producer, followers, ...pair } = await startPair(peer, {
      producerUrl: redis.url,
      followersUrl: redis.url,
    });
    const id = freshId();
    await producer.call("hold", { id, chunks: CHUNKS, chunkLength: CHUNK_LENGTH });
    const once = { id, units: CHUNKS * CHUNK_LENGTH };
    // Overheard once, before the rounds: who listens in slows the server down.
    const biggest = await biggestMessage(redis.url, () => followers.call("resumeMs", once));
    return {
      measure: async () => ({ took: await followers.call("resumeMs", once), biggest }),
      ...pair,
    };
  },
};

async function biggestMessage(url: string, act: () => Promise<unknown>): Promise<number> {
  const client = createClient({ url });
  await client.connect();
  let biggest = 0;
  await client.pSubscribe("*", (message) => {
    biggest = Math.max(biggest, Buffer.byteLength(message));
  });
  await act();
  client.destroy();
  return biggest;
}
