// What a thousand answers take of the processor: in a process that has just started, and once its code is compiled.

import { atMost } from "../lib/line.ts";
import { startWorker, type PostgresRow } from "./setting.ts";

const SPEC = { streams: 1_000, source: { kind: "stamped" as const, chunks: 100, everyMs: 5 } };

export const crowd: PostgresRow = {
  name: "crowd",
  rounds: 3,
  warmsUp: false,
  lines: [
    {
      key: "cold",
      label: "CPU of 1000 paced streams nobody follows (100 chunks), in a new process",
      unit: "ms",
      bounds: [atMost(3_000)],
    },
    {
      key: "warm",
      label: "… once more in the same process",
      unit: "ms",
      bounds: [atMost(1_300)],
      tried:
        "One flush for all streams of a process in a tick, and reads of a turn as one statement: 4,100 ms cold and 1,600 ms warm before; 1,240 to 1,710 ms warm in runs since. The pump alone, without a store, takes about 1,000 ms of it (the row of 1000 paced streams over Redis).",
    },
  ],
  contenders: {
    ours: async ({ server }) => ({
      async measure() {
        await using worker = await startWorker(server.url);
        return { cold: await worker.call("crowdCpuMs", SPEC), warm: await worker.call("crowdCpuMs", SPEC) };
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  },
};
