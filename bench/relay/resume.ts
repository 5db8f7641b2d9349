// A follower that comes late to a long stream, until it has all of it; beside as many bytes in messages of 64 KiB.

import { atMost } from "../lib/line.ts";
import { meanInARow } from "../lib/in-a-row.ts";
import { freshId, peers, startPair } from "../lib/pair.ts";
import { connectedClient } from "../peers/client.ts";
import type { RelayRow } from "./setting.ts";

const CHUNK_LENGTH = 1024;
const SMALL = 1_024;
const LARGE = 10_240;
const MESSAGE_LENGTH = 65_536;
/** Of processes that have served for a while: the first few are slower, as their code isn't compiled yet. */
const RESUMES = { small: 10, large: 4 };
const TRIED =
  "A page is at most 256 KiB, whatever the text, and as many are asked for at once as fit the reader's queue. The published library sends the whole backlog as one message, which holds up all else on that connection. Pages of twice the size gained nothing that could be told from noise.";

export const resume: RelayRow = {
  name: "resume of a backlog",
  rounds: 7,
  lines: [
    {
      key: "small",
      label: "resume of a 1 MB backlog",
      plain: "A reload in the middle of 1 MB",
      unit: "ms",
      bounds: [atMost(1, "published")],
      tried: TRIED,
    },
    {
      key: "large",
      label: "resume of a 10 MB backlog",
      unit: "ms",
      bounds: [atMost(1, "published"), atMost(1.3, "floor")],
      tried: TRIED,
    },
    // A message is a page and the header that says which.
    { key: "biggest", label: "… its biggest message", unit: "bytes", bounds: [atMost(257 * 1024)] },
  ],
  contenders: {
    async floor({ redis }) {
      const { producer, followers, ...pair } = await startPair("ours", {
        producerUrl: redis.url,
        followersUrl: redis.url,
      });
      const wireMs = async (chunks: number): Promise<number> => {
        const channel = freshId();
        const messages = (chunks * CHUNK_LENGTH) / MESSAGE_LENGTH;
        await producer.call("answerByWire", { channel, messages, messageLength: MESSAGE_LENGTH });
        return followers.call("wireMs", { channel, units: chunks * CHUNK_LENGTH });
      };
      return {
        measure: async () => ({
          small: await meanInARow(RESUMES.small, () => wireMs(SMALL)),
          large: await meanInARow(RESUMES.large, () => wireMs(LARGE)),
        }),
        ...pair,
      };
    },
    ...peers(async (peer, { redis }) => {
      const { producer, followers, ...pair } = await startPair(peer, {
        producerUrl: redis.url,
        followersUrl: redis.url,
      });
      const [small, large] = [freshId(), freshId()];
      await producer.call("hold", { id: small, chunks: SMALL, chunkLength: CHUNK_LENGTH });
      await producer.call("hold", { id: large, chunks: LARGE, chunkLength: CHUNK_LENGTH });
      const resumeMs = (id: string, chunks: number): Promise<number> =>
        followers.call("resumeMs", { id, units: chunks * CHUNK_LENGTH });
      // Overheard once, before the rounds: whoever listens in slows the server down.
      const biggest = await biggestMessage(redis.url, () => resumeMs(large, LARGE));
      return {
        measure: async () => ({
          small: await meanInARow(RESUMES.small, () => resumeMs(small, SMALL)),
          large: await meanInARow(RESUMES.large, () => resumeMs(large, LARGE)),
          biggest,
        }),
        ...pair,
      };
    }),
  },
};

async function biggestMessage(url: string, act: () => Promise<unknown>): Promise<number> {
  const client = await connectedClient(url);
  let biggest = 0;
  await client.pSubscribe("*", (message) => {
    biggest = Math.max(biggest, Buffer.byteLength(message));
  });
  await act();
  client.destroy();
  return biggest;
}
