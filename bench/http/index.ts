// Measures the HTTP rows: one text for many readers, beside a floor written by hand, in turn in one run.

import { Child } from "../lib/calls.ts";
import { median, percentile } from "../lib/statistics.ts";
import { printTable } from "../lib/table.ts";
import { freshId, kilobytes, milliseconds } from "../rows/row.ts";
import type { HttpReaders } from "./readers.ts";
import type { HttpServer, Kind } from "./server.ts";

const KINDS: readonly Kind[] = ["floor", "ours"];
const ROUNDS = 5;
const READERS = [1, 10, 100, 1000];
const PACE = { events: 60, everyMs: 20 };
/** Before the first round: a server that has just started runs code that isn't compiled yet. */
const WARM_UP = { events: 1_500, everyMs: 1 };
const CATCH_UP = { readers: 200, events: 32_768 };

interface Setting {
  server: Child<HttpServer>;
  readers: Child<HttpReaders>;
  port: number;
}

interface HttpLine {
  label: string;
  values: Record<Kind, number>;
  show: (value: number) => string;
  target: string;
  isReached: (values: Record<Kind, number>) => boolean;
}

const HTTP_ROWS: Record<string, (setting: Setting) => Promise<HttpLine[]>> = {
  async "fan-out"(setting) {
    const lines: HttpLine[] = [];
    for (const kind of KINDS) await fanOut(setting, { kind, count: 5, pace: WARM_UP });
    for (const count of READERS) {
      const values = await inTurn(["p50", "p99"], (kind) => fanOut(setting, { kind, count, pace: PACE }));
      for (const key of ["p50", "p99"] as const) {
        lines.push({
          label: `fan-out to ${count} readers, ${key}`,
          values: values[key],
          show: milliseconds,
          target: "≤ 1.3 × floor",
          isReached: ({ floor, ours }) => ours <= 1.3 * floor,
        });
      }
    }
    return lines;
  },

  async "reader heap"(setting) {
    const { bytes } = await inTurn(["bytes"], (kind) => heapPerReader(setting, { kind, count: 1000 }));
    return [
      {
        label: "heap of a reader, of 1000",
        values: bytes,
        show: kilobytes,
        target: "≤ floor + 8 KB",
        isReached: ({ floor, ours }) => ours <= floor + 8 * 1024,
      },
    ];
  },

  async "catch-up"(setting) {
    const { took } = await inTurn(["took"], (kind) => catchUp(setting, kind));
    return [
      {
        label: "200 readers catch up with 2 MB of events",
        values: took,
        show: milliseconds,
        target: "≤ 1.25 × floor",
        isReached: ({ floor, ours }) => ours <= 1.25 * floor,
      },
    ];
  },

  async client(setting) {
    const lines: HttpLine[] = [];
    for (const { format, most } of [
      { format: "events", most: 2.5 },
      { format: "text", most: 1.5 },
    ] as const) {
      const id = freshId();
      await setting.server.call("openWhole", { id, format, bytes: 10_000_000 });
      const { ms } = await inTurn(["ms"], async (kind) => ({
        ms: await setting.readers.call("fetchCpu", { port: setting.port, id, kind }),
      }));
      lines.push({
        label: `resumableFetch, CPU of 10 MB of ${format}`,
        values: ms,
        show: milliseconds,
        target: `≤ ${most} × fetch`,
        isReached: ({ floor, ours }) => ours <= most * floor,
      });
    }
    return lines;
  },
};

/** Undefined where none of the rows is asked for. */
export async function measureHttp(words: readonly string[]): Promise<string | undefined> {
  const rows = Object.entries(HTTP_ROWS).filter(
    ([name]) => words.length === 0 || words.some((word) => `http ${name}`.includes(word)),
  );
  if (rows.length === 0) return undefined;
  const lines: HttpLine[] = [];
  for (const [name, measure] of rows) {
    process.stderr.write(`http ${name} …\n`);
    // Fresh processes, so that no row pays for what another has left open.
    await using server = await Child.start<HttpServer>("http/server.ts", ["--expose-gc"]);
    await using readers = await Child.start<HttpReaders>("http/readers.ts");
    lines.push(...(await measure({ server, readers, port: await server.call("port", {}) })));
  }
  const head = ["", "floor", "ours", "ours : floor", "target", "reached"];
  return [
    "## HTTP",
    "",
    "Server-sent events by Node's `http`, and readers in another process. The floor is one loop that writes bytes which were made beforehand.",
    "",
    printTable(head, lines.map(toCells)),
  ].join("\n");
}

function toCells({ label, values, show, target, isReached }: HttpLine): string[] {
  const { floor, ours } = values;
  const ratio = (ours / floor).toFixed(2);
  return [label, show(floor), show(ours), ratio, target, isReached(values) ? "yes" : "no"];
}

/** Medians of rounds in which both are measured, one after the other. The round that warms up counts for nothing. */
async function inTurn<Key extends string>(
  keys: readonly Key[],
  measure: (kind: Kind) => Promise<Record<Key, number>>,
): Promise<Record<Key, Record<Kind, number>>> {
  const samples: Record<Kind, Record<Key, number>[]> = { floor: [], ours: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const kind of KINDS) {
      const sample = await measure(kind);
      if (round > 0) samples[kind].push(sample);
    }
  }
  const of = (kind: Kind, key: Key): number => median(samples[kind].map((sample) => sample[key]));
  const entries = keys.map((key) => [key, { floor: of("floor", key), ours: of("ours", key) }]);
  return Object.fromEntries(entries) as Record<Key, Record<Kind, number>>;
}

async function fanOut(
  { server, readers, port }: Setting,
  { kind, count, pace }: { kind: Kind; count: number; pace: typeof PACE },
) {
  const id = freshId();
  await server.call("open", { kind, id, events: 0 });
  await readers.call("attach", { port, id, count });
  await server.call("pace", { id, ...pace });
  const latencies = await readers.call("latencies", { count: pace.events * count });
  await readers.call("leave", {});
  await server.call("end", { id });
  return { p50: percentile(latencies, 50), p99: percentile(latencies, 99) };
}

async function heapPerReader(
  { server, readers, port }: Setting,
  { kind, count }: { kind: Kind; count: number },
) {
  const id = freshId();
  await server.call("open", { kind, id, events: 0 });
  const before = await server.call("heap", {});
  await readers.call("attach", { port, id, count });
  // Text has gone through them: what is made at first use is part of it.
  await server.call("pace", { id, events: 5, everyMs: 20 });
  await readers.call("latencies", { count: 5 * count });
  const after = await server.call("heap", {});
  await readers.call("leave", {});
  await server.call("end", { id });
  return { bytes: (after - before) / count };
}

async function catchUp({ server, readers, port }: Setting, kind: Kind) {
  const id = freshId();
  await server.call("open", { kind, id, events: CATCH_UP.events });
  const took = await readers.call("catchUp", { port, id, count: CATCH_UP.readers });
  await readers.call("leave", {});
  await server.call("end", { id });
  return { took };
}
