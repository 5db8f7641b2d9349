// Row: the last text and the end are committed between any two steps of a follower. Every interleaving, none sampled.

import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createPostgresResumableStreamContext, type PostgresPool } from "../../src/postgres.ts";
import { freshId, freshKeyPrefix } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read, readWhole } from "../../src/testing/reading.ts";
import { until } from "../support/wait.ts";

/** A follower's statements have two sides each, before they go out and before their answer comes in: so many are tried. */
const BOUNDARIES = 12;

let pool: Pool;

beforeAll(() => {
  pool = new Pool({ connectionString: inject("postgresUrl") });
});

afterAll(async () => {
  await pool.end();
});

/** Statements go on only when the test has done what it wants to at their boundary. */
function steppedPool(
  { onBoundary, onAnswered }: { onBoundary: () => Promise<void>; onAnswered: (statement: string) => void },
  isListening: boolean,
): PostgresPool {
  const stepped = async (
    statement: string,
    send: () => Promise<{ rows: unknown[] }>,
  ): Promise<{ rows: unknown[] }> => {
    await onBoundary();
    const answer = await send();
    onAnswered(statement);
    await onBoundary();
    return answer;
  };
  return {
    query: (text, values) => stepped(text, () => pool.query(text, values)),
    connect: async () => {
      const client = await pool.connect();
      return {
        query: (text, values) => stepped(text, () => client.query(text, values)),
        release: (destroy) => client.release(destroy),
        on: (event, listener) => client.on(event as "error", listener),
        removeListener: (event, listener) => client.removeListener(event, listener),
      };
    },
    // With one connection in all there is none to listen with.
    options: { max: isListening ? 10 : 1 },
  };
}

interface Commits {
  /** At which boundary the last text is committed. */
  text: number;
  /** At which the end is; not before the text. */
  end: number;
}

/** Every pair, with both in one commit where they are the same. */
const ALL: Commits[] = Array.from({ length: BOUNDARIES }, (_, text) =>
  Array.from({ length: BOUNDARIES - text }, (__, later) => ({ text, end: text + later })),
).flat();

async function run({ text, end }: Commits, isListening: boolean): Promise<void> {
  const keyPrefix = freshKeyPrefix();
  const id = freshId();
  const common = { keyPrefix, waitUntil: null, pollIntervalMs: 5, flushIntervalMs: 1 };
  const producing = createPostgresResumableStreamContext({ ...common, pool });
  const source = manualSource();
  const primary = read(await producing.createNewResumableStream(id, source.makeStream));
  source.push("first ");
  const isCommitted = (condition: string) => async (): Promise<boolean> => {
    const statement = `select 1 from rs_stream_sessions where stream_id = $1 and ${condition}`;
    return (await pool.query(statement, [`${keyPrefix}:rs:${id}`])).rows.length > 0;
  };
  await until(isCommitted("last_offset = 6"), { what: "the first text" });

  let boundary = 0;
  let isEnding = false;
  /**
   * Whether the end was on its way when the follower's first look was answered; absent until it was. Another statement of
   * the follower's may commit it while that look is under way.
   */
  let wasOver: boolean | undefined;
  const commit = async (): Promise<void> => {
    const at = boundary;
    boundary += 1;
    if (at === text) source.push("last");
    if (at === text && at !== end) await until(isCommitted("last_offset = 10"), { what: "the last text" });
    if (at === end) {
      isEnding = true;
      source.end();
      await until(isCommitted("status = 'done'"), { what: "the end" });
    }
  };
  const onAnswered = (statement: string): void => {
    if (statement.includes("string_agg")) wasOver ??= isEnding;
  };
  const following = createPostgresResumableStreamContext({
    ...common,
    pool: steppedPool({ onBoundary: commit, onAnswered }, isListening),
  });
  const stream = await following.resumeExistingStream(id);
  // A stream that was over before the follower looked is null, which says that it was whole.
  const got = stream === null && wasOver ? "first last" : await readWhole(stream);
  expect(got).toBe("first last");
  await expectClosed(primary, "first last");
  await Promise.all([following.close(), producing.close()]);
}

describe.each([
  ["polling", false],
  ["notified", true],
])("a follower that is %s", (_, isListening) => {
  test("never ends cleanly without the last text, wherever that and the end are committed (G1)", async () => {
    expect(ALL).toHaveLength((BOUNDARIES * (BOUNDARIES + 1)) / 2);
    for (const commits of ALL) await run(commits, isListening);
  }, 120_000);
});
