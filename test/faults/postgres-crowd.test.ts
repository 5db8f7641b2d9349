// Row: many of everything, on few connections.

import { Pool } from "pg";
import { expect, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { sourceOf } from "../../src/testing/manual-source.ts";
import { expectSameText } from "../../src/testing/assert.ts";
import { readWhole } from "../../src/testing/reading.ts";
import { PostgresScene } from "../support/scene.ts";
import { sourceText, SpecifiedSource, type SourceSpec } from "../support/source.ts";

test(
  "50 followers and 20 producers on a pool of 3: no deadlock, all whole",
  { timeout: 60_000 },
  async () => {
    await using scene = await PostgresScene.open();
    const pool = new Pool({ connectionString: scene.postgres.url, max: 3 });
    const contexts = [1, 2].map(() => createPostgresResumableStreamContext({ pool, waitUntil: null }));
    const [producing, following] = contexts;
    if (!producing || !following) throw new Error("there are two");
    const specs = Array.from({ length: 20 }, (_, index): SourceSpec => ({
      label: `s${index}`,
      chunks: 150,
      everyMs: 10,
    }));
    const primaries = await Promise.all(
      specs.map((spec) => producing.resumableStream(spec.label, new SpecifiedSource(spec).make)),
    );
    const followers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const spec = specs[index % specs.length];
        if (!spec) throw new Error("there are 20");
        return { spec, stream: await following.resumeExistingStream(spec.label) };
      }),
    );
    const texts = await Promise.all(
      [...primaries, ...followers.map(({ stream }) => stream)].map((stream) => readWhole(stream)),
    );
    for (const [index, spec] of [...specs, ...followers.map((follower) => follower.spec)].entries()) {
      expectSameText(texts[index] ?? "", sourceText(spec));
    }
    await Promise.all(contexts.map((context) => context.close()));
    await pool.end();
  },
);

test(
  "1000 streams at once in one process: ten claims, one append statement per tick, whole texts",
  { timeout: 60_000 },
  async () => {
    await using scene = await PostgresScene.open();
    const pool = new Pool({ connectionString: scene.postgres.url });
    const statements = { append: 0, claim: 0 };
    const client = (await pool.connect()) as { release: () => void };
    client.release();
    pool.on("acquire", (acquired) => countStatements(acquired, statements));
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
    const texts = Array.from({ length: 1_000 }, (_, index) =>
      Array.from({ length: 20 }, (__, chunk) => `[${index}:${chunk}]`),
    );
    const startedAt = performance.now();
    const read = await Promise.all(
      texts.map(async (chunks, index) => readWhole(context.resumableStream(`s${index}`, sourceOf(chunks)))),
    );
    await context.close();
    const ticks = (performance.now() - startedAt) / 50;
    for (const [index, chunks] of texts.entries()) expectSameText(read[index] ?? "", chunks.join(""));
    const rows = await scene.query(
      "select stream_id, string_agg(chunk, '' order by seq) as text from rs_stream_chunks group by stream_id",
    );
    const stored = new Map(rows.map(({ stream_id, text }) => [stream_id, text]));
    for (const [index, chunks] of texts.entries()) {
      expect(stored.get(`resumable-stream:rs:s${index}`)).toBe(chunks.join(""));
    }
    expect(await scene.query("select distinct status from rs_stream_sessions")).toEqual([{ status: "done" }]);
    // A hundred share a statement.
    expect(statements.claim).toBe(10);
    // Streams that end are written at once, and those that end meanwhile go in the next: far fewer than streams.
    expect(statements.append).toBeLessThan(Math.max(ticks * 2, 100));
    await pool.end();
  },
);

const counted = new WeakSet<object>();

function countStatements(client: { query: unknown }, counts: { append: number; claim: number }): void {
  if (counted.has(client)) return;
  counted.add(client);
  const query = client.query as (this: unknown, ...args: unknown[]) => unknown;
  client.query = function count(this: unknown, ...args: unknown[]) {
    const [statement] = args;
    // A prepared one is an object.
    const text = typeof statement === "string" ? statement : String((statement as { text: string }).text);
    if (text.includes("held as (")) counts.append += 1;
    if (text.includes("claimed as (")) counts.claim += 1;
    return query.apply(this, args);
  };
}
