// A child process with one context over Postgres: it produces, or it follows.

import { setTimeout as pass } from "node:timers/promises";
import { Pool } from "pg";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { serve } from "../lib/calls.ts";
import { drain } from "../lib/drain.ts";
import { nowMicros, openSource, STAMP_LENGTH, type SourceSpec, unitsOf } from "../lib/source.ts";
import { median } from "../lib/statistics.ts";

const contexts: { pool: Pool; context: ReturnType<typeof createPostgresResumableStreamContext> }[] = [];
const followed = new Map<string, { reading: Promise<unknown>; latenciesMs: number[] }>();

async function open({ url, ...options }: { url: string; followedFlushIntervalMs?: number }) {
  const pool = new Pool({ connectionString: url });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, ...options });
  const opened = { pool, context };
  contexts.push(opened);
  // Connected before anything is timed.
  await Promise.all([1, 2, 3].map(() => pool.query("select pg_sleep(0.05)")));
  return opened;
}

function own() {
  const [first] = contexts;
  if (!first) throw new Error("call open first");
  return first;
}

let crowded = 0;

async function followSoon(id: string): Promise<ReadableStream<string>> {
  for (;;) {
    const stream = await own().context.resumeExistingStream(id);
    if (stream) return stream;
    await pass(20);
  }
}

const handlers = {
  async open(options: { url: string; followedFlushIntervalMs?: number }): Promise<void> {
    await open(options);
  },

  async pingMs(): Promise<number> {
    const took: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const start = performance.now();
      await own().pool.query("select 1");
      took.push(performance.now() - start);
    }
    return median(took);
  },

  /** From the call to the last commit, in milliseconds. */
  async burst({ id, source }: { id: string; source: SourceSpec }): Promise<number> {
    const start = performance.now();
    const stream = await own().context.createNewResumableStream(id, () => openSource(source));
    if (stream) await drain(stream);
    while (
      (
        await own().pool.query(
          "select 1 from rs_stream_sessions where stream_id like $1 and status = 'done'",
          [`%:${id}`],
        )
      ).rows.length === 0
    )
      await pass(1);
    return performance.now() - start;
  },

  /** The same bytes by `pg` alone, in one statement of a thousand rows. */
  async floor({ source }: { source: SourceSpec }): Promise<number> {
    const rows = Array.from({ length: 1000 }, (_, n) => String(n).padEnd(unitsOf(source) / 1000, "token "));
    const start = performance.now();
    await own().pool.query("insert into floor (chunk) select unnest($1::text[])", [rows]);
    return performance.now() - start;
  },

  /** A stream of small chunks, one every so often; resolves when its end is written. */
  async trickle({
    id,
    chunks,
    chunkLength,
    everyMs,
  }: {
    id: string;
    chunks: number;
    chunkLength: number;
    everyMs: number;
  }): Promise<void> {
    const start = performance.now();
    let given = 0;
    const stream = await own().context.createNewResumableStream(
      id,
      () =>
        new ReadableStream<string>({
          async pull(controller) {
            if (given === chunks) return controller.close();
            given += 1;
            const waitMs = start + given * everyMs - performance.now();
            if (waitMs > 0) await pass(waitMs);
            controller.enqueue("x".repeat(chunkLength));
          },
        }),
    );
    if (stream) await drain(stream);
    while ((await own().context.hasExistingStream(id)) !== "DONE") await pass(20);
  },

  /** Opens a stream; a held one gives its text and stays open. */
  async start({ id, source, isHeld }: { id: string; source: SourceSpec; isHeld: boolean }): Promise<void> {
    const make = (): ReadableStream<string> => {
      if (!isHeld) return openSource(source, pass(500));
      const reader = openSource(source).getReader();
      return new ReadableStream({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) await new Promise(() => undefined);
          else controller.enqueue(value);
        },
      });
    };
    const stream = await own().context.createNewResumableStream(id, make);
    if (stream) void drain(stream);
  },

  /** Settles once all of them follow; waits for a stream that is about to be claimed. */
  async follow({ id, count }: { id: string; count: number }): Promise<void> {
    const latenciesMs: number[] = [];
    const streams = await Promise.all(Array.from({ length: count }, () => followSoon(id)));
    const readings = streams.map(async (stream) => {
      let text = "";
      await drain(stream, (piece) => {
        text += piece;
        for (; text.length >= STAMP_LENGTH; text = text.slice(STAMP_LENGTH)) {
          latenciesMs.push((nowMicros() - Number(text.slice(0, STAMP_LENGTH))) / 1000);
        }
      });
    });
    followed.set(id, { reading: Promise.all(readings), latenciesMs });
  },

  /** Paced streams at once, read by their callers alone. Resolves to CPU milliseconds, until the last end is written. */
  async crowdCpuMs({ streams, source }: { streams: number; source: SourceSpec }): Promise<number> {
    const before = process.cpuUsage();
    const running = Array.from({ length: streams }, async () => {
      crowded += 1;
      const stream = await own().context.createNewResumableStream(`crowd-${crowded}`, () =>
        openSource(source),
      );
      return stream ? drain(stream) : 0;
    });
    const units = await Promise.all(running);
    const { user, system } = process.cpuUsage(before);
    if (units.some((count) => count !== unitsOf(source))) throw new Error("a stream wasn't whole");
    return (user + system) / 1000;
  },

  async latencies({ id }: { id: string }): Promise<number[]> {
    const following = followed.get(id);
    await following?.reading;
    return following?.latenciesMs ?? [];
  },

  /** From the call to so many characters, in milliseconds, with a context that never followed before. */
  async resume({ id, units }: { id: string; units: number }): Promise<number> {
    const context = createPostgresResumableStreamContext({ pool: own().pool, waitUntil: null });
    const start = performance.now();
    const stream = await context.resumeExistingStream(id);
    const reader = stream?.getReader();
    for (let read = 0; read < units;) read += (await reader?.read())?.value?.length ?? Infinity;
    const took = performance.now() - start;
    await reader?.cancel();
    await context.close();
    return took;
  },
};

export type PostgresWorker = typeof handlers;

serve(handlers);
