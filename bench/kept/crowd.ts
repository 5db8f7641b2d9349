// What a thousand chats at once take of the server.

import type { RedisServer } from "../../test/support/redis-server.ts";
import { atMost } from "../lib/line.ts";
import { startProducer } from "../lib/pair.ts";
import { nowMicros } from "../lib/source.ts";
import { connectedClient, type Client } from "../peers/client.ts";
import { MODEL, type KeptRow } from "./setting.ts";

/** On a machine that is busy with other things a thousand streams take long. */
const CALL_LIMIT_MS = 100_000;
const STREAMS = 1_000;
/** As often as the log writes by default. */
const GATHER_MS = 200;
const TICKS = (MODEL.chunks * MODEL.everyMs) / GATHER_MS;
const PIECE = "x".repeat(Math.round((GATHER_MS / MODEL.everyMs) * 16));

export const crowd: KeptRow = {
  name: "crowd",
  rounds: 2,
  lines: [
    {
      key: "share",
      label: "1000 chats, of a core of Redis",
      unit: "%",
      bounds: [atMost(0.08), atMost(5, "floor")],
      tried:
        "A lease is written once it has lost an eighth, text is appended to one string until it is sealed, and a write whose text joins an open tail asks for nothing but the record. Claims and ends are counted too: 1000 of each within the 4 s of the row. The floor has no record, no lease, and no order to keep.",
    },
  ],
  contenders: {
    async floor({ redis }) {
      const client = await connectedClient(redis.url);
      return {
        measure: async (round) => ({ share: await shareOf(redis, () => addAll(client, round)) }),
        [Symbol.asyncDispose]: async () => client.destroy(),
      };
    },
    async ours({ redis }) {
      const producer = await startProducer("kept", redis.url);
      const all = { streams: STREAMS, source: MODEL, isFloor: false };
      return {
        measure: async () => ({
          share: await shareOf(redis, () => producer.call("pacedCpuMs", all, CALL_LIMIT_MS)),
        }),
        [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
      };
    },
  },
};

/** As many entries as the log writes, sent in the same time. */
async function addAll(client: Client, round: number): Promise<void> {
  const startedAt = performance.now();
  for (let tick = 0; tick < TICKS; tick += 1) {
    const waitMs = startedAt + tick * GATHER_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
    const adding = Array.from({ length: STREAMS }, (_, stream) =>
      client.xAdd(`floor:${round}:${stream}`, "*", { t: PIECE }),
    );
    await Promise.all(adding);
  }
}

/** What the server's processor does of the time that something takes. */
async function shareOf(redis: RedisServer, act: () => Promise<unknown>): Promise<number> {
  const [before, startedAt] = [await cpuSeconds(redis), nowMicros()];
  await act();
  const seconds = (nowMicros() - startedAt) / 1e6;
  return ((await cpuSeconds(redis)) - before) / seconds;
}

async function cpuSeconds(redis: RedisServer): Promise<number> {
  const info = String(await redis.command("INFO", "cpu"));
  const [, system] = /^used_cpu_sys:([\d.]+)/m.exec(info) ?? [];
  const [, user] = /^used_cpu_user:([\d.]+)/m.exec(info) ?? [];
  return Number(system) + Number(user);
}
