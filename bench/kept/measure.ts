// The rows of a log over Redis.

import type { RedisServer } from "../../test/support/redis-server.ts";
import { nowMicros, unitsOf, type SourceSpec } from "../lib/source.ts";
import { percentile } from "../lib/statistics.ts";
import { connectedClient } from "../peers/client.ts";
import { asIs, freshId, milliseconds, type ProcessPair, startPair, startProducer } from "../rows/row.ts";

export interface KeptLine {
  label: string;
  /** Absent for a number that is a target by itself. */
  floor?: number;
  ours: number;
  show: (value: number) => string;
  /** Of `ours`, or of its ratio to the floor. */
  atMost: number;
}

export interface KeptRow extends AsyncDisposable {
  measure: (round: number) => Promise<KeptLine[]>;
}

const STAMPS: SourceSpec = { kind: "stamped", chunks: 400, everyMs: 3 };
/** About 85 tokens a second. */
const MODEL: SourceSpec = { kind: "stamped", chunks: 340, everyMs: 12 };
const REPLAYED: SourceSpec = { kind: "burst", chunks: 100_000, chunkLength: 100 };
const STREAMS = 1_000;

export const KEPT_ROWS: Readonly<Record<string, (redis: RedisServer) => Promise<KeptRow>>> = {
  latency: openLatency,
  replay: openReplay,
  writes: openWrites,
  crowd: openCrowd,
};

async function openLatency(redis: RedisServer): Promise<KeptRow> {
  const urls = { producerUrl: redis.url, followersUrl: redis.url };
  const [relay, kept] = [await startPair("ours", urls), await startPair("kept", urls)];
  return {
    measure: async () => {
      const [ofRelay, ofKept] = [await latencies(relay), await latencies(kept)];
      return [50, 99].map((percent) => ({
        label: `live latency p${percent}, beside the relay`,
        floor: percentile(ofRelay, percent),
        ours: percentile(ofKept, percent),
        show: milliseconds,
        atMost: 1.4,
      }));
    },
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]();
      await kept[Symbol.asyncDispose]();
    },
  };
}

async function latencies({ producer, followers }: ProcessPair): Promise<number[]> {
  const id = freshId();
  await producer.call("start", { id, source: STAMPS });
  await followers.call("attach", { id, count: 1, records: "latencies" });
  await producer.call("go", { id });
  return (await followers.call("ended", { id, units: unitsOf(STAMPS) })).latenciesMs;
}

async function openReplay(redis: RedisServer): Promise<KeptRow> {
  const pair = await startPair("kept", { producerUrl: redis.url, followersUrl: redis.url });
  const client = await connectedClient(redis.url);
  const id = freshId();
  await pair.producer.call("unfollowed", { id, source: REPLAYED, bare: false });
  await client.set("whole", "x".repeat(unitsOf(REPLAYED)));
  return {
    measure: async () => {
      const startedAt = nowMicros();
      await client.get("whole");
      const floor = (nowMicros() - startedAt) / 1_000;
      const ours = await pair.followers.call("resumeMs", { id, units: unitsOf(REPLAYED) });
      return [{ label: "replay of 10 MB, beside GET", floor, ours, show: milliseconds, atMost: 1.5 }];
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await pair[Symbol.asyncDispose]();
    },
  };
}

/** At the pace of a model, while nobody follows. */
async function openWrites(redis: RedisServer): Promise<KeptRow> {
  const producer = await startProducer("kept", redis.url);
  return {
    measure: async () => {
      const before = await scriptsRun(redis);
      await producer.call("pacedCpuMs", { streams: 1, source: MODEL, isFloor: false });
      // Its claim and its end are no writes of chunks.
      const writes = (await scriptsRun(redis)) - before - 2;
      const ours = writes / MODEL.chunks;
      return [{ label: "writes per chunk that nobody waits for", ours, show: asIs(3), atMost: 0.12 }];
    },
    [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
  };
}

/** What a thousand chats at once take of the server. */
async function openCrowd(redis: RedisServer): Promise<KeptRow> {
  const producer = await startProducer("kept", redis.url);
  const client = await connectedClient(redis.url);
  return {
    measure: async (round) => {
      const [before, startedAt] = [await cpuSeconds(redis), nowMicros()];
      await producer.call("pacedCpuMs", { streams: STREAMS, source: MODEL, isFloor: false });
      const seconds = (nowMicros() - startedAt) / 1e6;
      const ours = ((await cpuSeconds(redis)) - before) / seconds;
      const floor = await xaddShare(client, { redis, round, seconds });
      const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
      return [
        { label: `${STREAMS} chats, of a core of Redis`, ours, show: percent, atMost: 0.08 },
        {
          label: "the same, beside a plain XADD for each write",
          floor,
          ours,
          show: percent,
          atMost: 5,
        },
      ];
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await producer[Symbol.asyncDispose]();
    },
  };
}

type Client = Awaited<ReturnType<typeof connectedClient>>;

/** As many entries as the log writes at its default pace, sent in the same time. */
async function xaddShare(
  client: Client,
  { redis, round, seconds }: { redis: RedisServer; round: number; seconds: number },
): Promise<number> {
  const everyMs = 200;
  const text = "x".repeat(Math.round((everyMs / 12) * 16));
  const [before, startedAt] = [await cpuSeconds(redis), nowMicros()];
  for (let tick = 0; tick < (seconds * 1_000) / everyMs; tick++) {
    const due = startedAt + tick * everyMs * 1_000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, (due - nowMicros()) / 1_000)));
    await Promise.all(
      Array.from({ length: STREAMS }, (_, stream) =>
        client.xAdd(`floor:${round}:${stream}`, "*", { t: text }),
      ),
    );
  }
  return ((await cpuSeconds(redis)) - before) / ((nowMicros() - startedAt) / 1e6);
}

async function scriptsRun(redis: RedisServer): Promise<number> {
  const { eval: whole = 0, evalsha = 0 } = await redis.commandCounts();
  return whole + evalsha;
}

async function cpuSeconds(redis: RedisServer): Promise<number> {
  const info = String(await redis.command("INFO", "cpu"));
  const [, system] = /^used_cpu_sys:([\d.]+)/m.exec(info) ?? [];
  const [, user] = /^used_cpu_user:([\d.]+)/m.exec(info) ?? [];
  return Number(system) + Number(user);
}
