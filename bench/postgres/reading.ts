// What followers wait for: live text, all of a long one, and the first byte of a far-away server.

import { TcpProxy } from "../../test/support/proxy.ts";
import { atMost } from "../lib/line.ts";
import { endAll, freshId } from "../lib/pair.ts";
import { percentile } from "../lib/statistics.ts";
import { startWorker, startWorkers, stored, type PostgresRow, type WorkerPair } from "./setting.ts";

const ONE_WAY_MS = 25;

export const latency: PostgresRow = {
  name: "latency",
  rounds: 2,
  warmsUp: false,
  lines: [
    { key: "p50", label: "follower latency p50 (one chunk per 10 ms)", unit: "ms", bounds: [atMost(80)] },
    { key: "p99", label: "… p99", unit: "ms", bounds: [atMost(170)] },
    { key: "p50AtOnce", label: "… p50, `followedFlushIntervalMs: 0`", unit: "ms", bounds: [atMost(4)] },
    { key: "p99AtOnce", label: "… p99, `followedFlushIntervalMs: 0`", unit: "ms", bounds: [] },
  ],
  contenders: {
    async ours({ server }) {
      const gathering = await startWorkers(server.url);
      const atOnce = await startWorkers(server.url, { followedFlushIntervalMs: 0 });
      return {
        async measure() {
          const [gathered, immediate] = [await latencies(gathering), await latencies(atOnce)];
          return {
            p50: percentile(gathered, 50),
            p99: percentile(gathered, 99),
            p50AtOnce: percentile(immediate, 50),
            p99AtOnce: percentile(immediate, 99),
          };
        },
        [Symbol.asyncDispose]: () => endAll(gathering, atOnce),
      };
    },
  },
};

async function latencies({ producer, follower }: WorkerPair): Promise<number[]> {
  const id = freshId();
  const source = { kind: "stamped" as const, chunks: 400, everyMs: 10 };
  await producer.call("start", { id, isHeld: false, source });
  await follower.call("follow", { id, count: 1 });
  return follower.call("latencies", { id });
}

export const resume: PostgresRow = {
  name: "resume",
  rounds: 3,
  warmsUp: false,
  lines: [{ key: "ms", label: "resume of a 10 MB backlog", unit: "ms", bounds: [atMost(600)] }],
  contenders: {
    async ours({ server }) {
      const { producer, follower, ...workers } = await startWorkers(server.url);
      const [id, units] = [freshId(), 10_000_000];
      const source = { kind: "burst" as const, chunks: 100_000, chunkLength: 100 };
      await producer.call("start", { id, isHeld: true, source });
      await stored(server.url, { id, units });
      return { measure: async () => ({ ms: await follower.call("resume", { id, units }) }), ...workers };
    },
  },
};

export const trips: PostgresRow = {
  name: "first byte",
  // The first warms up: a backend's first look at a table loads its catalog, which is no round trip.
  rounds: 3,
  lines: [
    { key: "trips", label: "first byte of a resume, round trips", unit: "count", bounds: [atMost(1.15)] },
  ],
  contenders: {
    async ours({ server }) {
      const delay = { toServerMs: ONE_WAY_MS, toClientMs: ONE_WAY_MS };
      const proxy = await TcpProxy.start(server.port, delay);
      const producer = await startWorker(server.url);
      const far = await startWorker(server.url.replace(`:${server.port}/`, `:${proxy.port}/`));
      const id = freshId();
      const source = { kind: "burst" as const, chunks: 10, chunkLength: 20 };
      await producer.call("start", { id, isHeld: true, source });
      await stored(server.url, { id, units: 200 });
      return {
        async measure() {
          const ping = await far.call("pingMs", undefined);
          return { trips: (await far.call("resume", { id, units: 1 })) / ping };
        },
        [Symbol.asyncDispose]: async () => {
          await endAll(producer, far);
          await proxy[Symbol.asyncDispose]();
        },
      };
    },
  },
};
