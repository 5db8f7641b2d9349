// Server-sent events by Node's http: one text for many readers, beside a floor written by hand.

import { Child } from "../lib/calls.ts";
import { atMost, type Contender } from "../lib/line.ts";
import { endAll, freshId } from "../lib/pair.ts";
import type { Group, Measurement, Row, Sample } from "../lib/row.ts";
import { percentile } from "../lib/statistics.ts";
import type { HttpReaders } from "./readers.ts";
import type { Format, HttpServer, Kind } from "./server.ts";

const READERS = [1, 10, 100, 1000];
const PACE = { events: 60, everyMs: 20 };
/** Before the first round: a server that has just started runs code that isn't compiled yet. */
const WARM_UP = { events: 1_500, everyMs: 1 };
const CATCH_UP = { readers: 200, events: 32_768 };

const FAN_OUT =
  "One reader frames and encodes each text once, and writes it to all responses in step: 3.7 times the floor before, 1.2 since. From 1 to 100 readers the slowest percent is one or two events of a round, and the floor's own lie as far apart.";
const CLIENT =
  "Bytes are handed on as they came, with one scan for the ends of events, and text without a scan: 11 and 80 times `fetch` before. What is left is a stream of our own around that of `fetch`, which the reader needs so that a new connection can go on in it.";

interface Scene extends AsyncDisposable {
  kind: Kind;
  server: Child<HttpServer>;
  readers: Child<HttpReaders>;
  port: number;
}

type HttpRow = Row<AsyncDisposable>;

const fanOut: readonly HttpRow[] = READERS.map((count) => ({
  name: `fan-out to ${count} readers`,
  rounds: 5,
  lines: [
    {
      key: "p50",
      label: `fan-out to ${count} readers, p50`,
      unit: "ms",
      bounds: [atMost(1.3, "floor")],
      tried: FAN_OUT,
    },
    {
      key: "p99",
      label: `fan-out to ${count} readers, p99`,
      ...(count === 1000 && { plain: "A word to 1000 readers, the slowest 1 %" }),
      unit: "ms",
      bounds: [atMost(1.3, "floor")],
      tried: FAN_OUT,
    },
  ],
  contenders: both(
    (scene) => fanOutTo(scene, { count, pace: PACE }),
    (scene) => fanOutTo(scene, { count: 5, pace: WARM_UP }),
  ),
}));

const heap: HttpRow = {
  name: "reader heap",
  rounds: 3,
  lines: [
    {
      key: "bytes",
      label: "heap of a reader, of 1000",
      plain: "Memory of a reader over HTTP",
      unit: "bytes",
      bounds: [{ ...atMost(1, "floor"), plus: 8 * 1024 }],
    },
  ],
  contenders: both((scene) => heapPerReader(scene, 1000)),
};

const catchUp: HttpRow = {
  name: "catch-up",
  rounds: 3,
  lines: [
    {
      key: "took",
      label: "200 readers catch up with 2 MB of events",
      plain: "200 readers come back to 2 MB",
      unit: "ms",
      bounds: [atMost(1.25, "floor")],
    },
  ],
  contenders: both(catchUpTo),
};

const client: readonly HttpRow[] = (
  [
    { format: "events", most: 2.5, what: "10 MB of small events" },
    { format: "text", most: 1.5, what: "10 MB of text" },
    { format: "one event", most: 2, what: "one event of 8 MB" },
  ] as const
).map(({ format, most, what }) => ({
  name: `client, ${format}`,
  rounds: 5,
  lines: [
    {
      key: "ms",
      label: `resumableFetch, CPU of ${what}`,
      ...(format === "events" && { plain: "A browser reads 10 MB of small events" }),
      unit: "ms",
      bounds: [atMost(most, "floor")],
      tried: CLIENT,
    },
  ],
  contenders: both((scene) => fetchCpu(scene, format)),
}));

export const http: Group<AsyncDisposable> = {
  name: "http",
  title: "HTTP",
  intro:
    "Server-sent events by Node's `http`, and readers in another process. Floors: one loop that writes bytes which were made beforehand; for `resumableFetch`, plain `fetch`.",
  rows: [...fanOut, heap, catchUp, ...client],
  // Each contender has processes of its own.
  start: async () => ({ [Symbol.asyncDispose]: async () => {} }),
  versions: async () => ({}),
};

type Open = () => Promise<Measurement>;

function both(
  measure: (scene: Scene) => Promise<Sample>,
  warmUp?: (scene: Scene) => Promise<Sample>,
): Record<Exclude<Contender, "published">, Open> {
  const open =
    (kind: Kind): Open =>
    async () => {
      const scene = await openScene(kind);
      await warmUp?.(scene);
      return { measure: () => measure(scene), [Symbol.asyncDispose]: scene[Symbol.asyncDispose] };
    };
  return { floor: open("floor"), ours: open("ours") };
}

async function openScene(kind: Kind): Promise<Scene> {
  const server = await Child.start<HttpServer>("http/server.ts", ["--expose-gc"]);
  const readers = await Child.start<HttpReaders>("http/readers.ts");
  const port = await server.call("port", {});
  return { kind, server, readers, port, [Symbol.asyncDispose]: () => endAll(server, readers) };
}

async function fanOutTo(
  { kind, server, readers, port }: Scene,
  { count, pace }: { count: number; pace: typeof PACE },
): Promise<Sample> {
  const id = freshId();
  await server.call("open", { kind, id, events: 0 });
  await readers.call("attach", { port, id, count });
  await server.call("pace", { id, ...pace });
  const latencies = await readers.call("latencies", { count: pace.events * count });
  await readers.call("leave", {});
  await server.call("end", { id });
  return { p50: percentile(latencies, 50), p99: percentile(latencies, 99) };
}

async function heapPerReader({ kind, server, readers, port }: Scene, count: number): Promise<Sample> {
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

async function catchUpTo({ kind, server, readers, port }: Scene): Promise<Sample> {
  const id = freshId();
  await server.call("open", { kind, id, events: CATCH_UP.events });
  const took = await readers.call("catchUp", { port, id, count: CATCH_UP.readers });
  await readers.call("leave", {});
  await server.call("end", { id });
  return { took };
}

async function fetchCpu({ kind, server, readers, port }: Scene, format: Format): Promise<Sample> {
  const id = freshId();
  await server.call("openWhole", { id, format });
  const ms = await readers.call("fetchCpu", { port, id, kind });
  await server.call("end", { id });
  return { ms };
}
