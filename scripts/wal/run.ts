// The proof itself. What counts as reported: text that a follower in another context has read, since a follower reads
// nothing but committed rows, and an end that hasExistingStream has told.

import { deepStrictEqual, ok } from "node:assert/strict";
import { Pool } from "pg";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { setUpTables } from "../../test/support/postgres-tables.ts";
import { Reading } from "../../test/support/reading.ts";
import { sourceText, SpecifiedSource, type SourceSpec } from "../../test/support/source.ts";
import { until } from "../../test/support/wait.ts";
import type { WalServer } from "./server.ts";

const STREAMS = 5;
const KILLS = 3;

export interface WalReport {
  streams: number;
  /** Characters that had been reported when the server was killed, over all kills. */
  reported: number;
  /** Characters of those that the table had when it was back. */
  kept: number;
}

export async function runWalTest(server: WalServer): Promise<WalReport> {
  await setUpTables(server.url);
  const keyPrefix = `wal-${process.pid}-${Date.now().toString(36)}`;
  const open = () => {
    const pool = new Pool({ connectionString: server.url });
    return {
      pool,
      context: createPostgresResumableStreamContext({
        pool,
        keyPrefix,
        waitUntil: null,
        onError: () => undefined,
      }),
    };
  };
  const [producing, following] = [open(), open()];
  const specs = Array.from({ length: STREAMS }, (_, index): SourceSpec => ({
    label: `wal${index}`,
    chunks: 900,
    everyMs: 5,
  }));
  const sources = specs.map((spec) => new SpecifiedSource(spec));
  const primaries = await Promise.all(
    sources.map(async ({ spec, make }) =>
      readingOf(await producing.context.resumableStream(spec.label, make)),
    ),
  );
  const followers = await Promise.all(
    specs.map(async ({ label }) => readingOf(await following.context.resumeExistingStream(label))),
  );
  const report: WalReport = { streams: STREAMS, reported: 0, kept: 0 };
  for (let round = 1; round <= KILLS; round++) {
    await until(() => followers.every(({ length }) => length >= round * 1_500), {
      what: "text",
      withinMs: 30_000,
    });
    await server.kill();
    const reported = followers.map(({ text }) => text);
    await server.launch();
    const kept = await Promise.all(
      specs.map(({ label }) => storedText(server.url, `${keyPrefix}:rs:${label}`)),
    );
    for (const [index, text] of reported.entries()) {
      ok(
        kept[index]?.startsWith(text),
        `${text.length} characters were reported, ${kept[index]?.length} are kept`,
      );
      report.reported += text.length;
      report.kept += Math.min(kept[index]?.length ?? 0, text.length);
    }
  }
  for (const [index, spec] of specs.entries()) {
    for (const reading of [primaries[index], followers[index]]) {
      deepStrictEqual([await reading?.ended, reading?.text], [{ kind: "clean" }, sourceText(spec)]);
    }
    await until(async () => (await following.context.hasExistingStream(spec.label)) === "DONE", {
      what: "the end",
    });
    deepStrictEqual(await storedText(server.url, `${keyPrefix}:rs:${spec.label}`), sourceText(spec));
  }
  for (const { context, pool } of [producing, following]) {
    await context.close();
    await pool.end();
  }
  return report;
}

function readingOf(stream: ReadableStream<string> | null | undefined): Reading {
  if (!stream) throw new Error("there is no stream");
  return new Reading(stream);
}

/** The rows as they are, read past the library. */
async function storedText(url: string, key: string): Promise<string> {
  const pool = new Pool({ connectionString: url, max: 1 });
  const { rows } = await pool.query<{ text: string | null }>(
    "select string_agg(chunk, '' order by seq) as text from rs_stream_chunks where stream_id = $1",
    [key],
  );
  await pool.end();
  return rows[0]?.text ?? "";
}
