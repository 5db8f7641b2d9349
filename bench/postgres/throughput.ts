import { atLeast } from "../lib/line.ts";
import { freshId } from "../lib/pair.ts";
import type { SourceSpec } from "../lib/source.ts";
import { startWorker, type PostgresRow } from "./setting.ts";

const SOURCE: SourceSpec = { kind: "burst", chunks: 400_000, chunkLength: 10 };

export const throughput: PostgresRow = {
  name: "throughput",
  rounds: 3,
  lines: [{ key: "rate", label: "chunks/s of one stream", unit: "chunks/s", bounds: [atLeast(280_000)] }],
  contenders: {
    async floor({ server }) {
      const worker = await startWorker(server.url);
      return {
        measure: async () => ({ rate: perSecond(await worker.call("floor", { source: SOURCE })) }),
        [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
      };
    },
    async ours({ server }) {
      const worker = await startWorker(server.url);
      return {
        measure: async () => ({
          rate: perSecond(await worker.call("burst", { id: freshId(), source: SOURCE })),
        }),
        [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
      };
    },
  },
};

function perSecond(ms: number): number {
  return (SOURCE.chunks / ms) * 1000;
}
