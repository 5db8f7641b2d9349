// What onEnd costs a server beside the stream: nothing over Redis, an append at most over Postgres; more for a dead producer.

import pg from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import type { CommonOptions } from "../../src/api/common-options.ts";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { freshId } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read, until } from "../../src/testing/reading.ts";
import { createQueries } from "../../src/transports/postgres/queries.ts";
import { DEFAULT_TABLES } from "../../src/transports/postgres/schema.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables, untilLeasesLapse } from "../support/postgres-tables.ts";
import { countFrom, usePrivateRedis } from "./counting.ts";

const redis = usePrivateRedis();
const onEnd = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe.each(["redis-6", "ioredis-6"] as const)("over %s", (clients) => {
  test.each([
    { name: "alone", isFollowed: false },
    { name: "that is followed elsewhere", isFollowed: true },
  ])("an answer $name costs what it does without onEnd", async ({ isFollowed }) => {
    const costs: Record<string, number>[] = [];
    for (const options of [{}, { onEnd }]) {
      const producer = await redis.createContext(clients, undefined, options);
      const other = await redis.createContext(clients);
      const counted = await countFrom(redis.server());
      const id = freshId();
      const source = manualSource();
      const readers = [read(await producer.createNewResumableStream(id, source.makeStream))];
      if (isFollowed) readers.push(read(await other.resumeExistingStream(id)));
      source.push("text");
      await Promise.all(readers.map((reader) => reader.reached(4)));
      source.end();
      await Promise.all(readers.map(({ ended }) => ended));
      await until(async () => expect(await redis.server().pubsubChannels()).toEqual([]));
      const { "pubsub|channels": _asked, ...counts } = await counted();
      costs.push(counts);
    }
    expect(costs[1]).toEqual(costs[0]);
  });
});

describe("over Postgres", () => {
  test("an answer whose text is written when its source ends costs what it does without onEnd", async () => {
    expect(await costOf({ options: {}, endsAtOnce: false })).toEqual({ claim: 1, append: 2 });
    expect(await costOf({ options: { onEnd }, endsAtOnce: false })).toEqual({ claim: 1, append: 2 });
  });

  test("one whose last text isn't written yet costs an append more: text before onEnd, the end after it", async () => {
    expect(await costOf({ options: {}, endsAtOnce: true })).toEqual({ claim: 1, append: 1 });
    expect(await costOf({ options: { onEnd }, endsAtOnce: true })).toEqual({ claim: 1, append: 2 });
  });

  test("answers that end together share that append", async () => {
    const { context, counted } = await openCounted({ onEnd });
    const sources = Array.from({ length: 20 }, () => manualSource());
    const readers = await Promise.all(
      sources.map(async ({ makeStream }) =>
        read(await context.createNewResumableStream(freshId(), makeStream)),
      ),
    );
    for (const source of sources) {
      source.push("text");
      source.end();
    }
    await Promise.all(readers.map(({ ended }) => ended));
    const { claim, append = 0, notify: _proof, ...others } = counted();
    // Claims of one turn share a statement.
    expect([claim, others]).toEqual([1, {}]);
    expect(append).toBeLessThanOrEqual(6);
  });

  test("a dead producer's costs an election, and a note that the app has it; once", async () => {
    const { context, counted, kill } = await openCounted({ onEnd });
    const id = freshId();
    await kill(id);
    expect(await context.hasExistingStream(id)).toBe("failed");
    // The last look finds it over, and the notification tells whoever waited.
    await until(() => expect(counted()).toEqual({ status: 2, elect: 1, handedOver: 1, notify: 1 }));
    expect(await context.hasExistingStream(id)).toBe("failed");
    expect(counted()).toEqual({ status: 3, elect: 1, handedOver: 1, notify: 1 });
  });

  test("without onEnd a dead producer's costs a look, as ever", async () => {
    const { context, counted, kill } = await openCounted({});
    const id = freshId();
    await kill(id);
    expect(await context.hasExistingStream(id)).toBe("failed");
    expect(counted()).toEqual({ status: 1 });
  });
});

async function costOf({
  options,
  endsAtOnce,
}: {
  options: Partial<CommonOptions>;
  endsAtOnce: boolean;
}): Promise<Record<string, number>> {
  const { context, counted } = await openCounted(options);
  const source = manualSource();
  const primary = read(await context.createNewResumableStream(freshId(), source.makeStream));
  source.push("text");
  await primary.reached(4);
  await until(() => expect(counted()["append"] ?? 0).toBe(endsAtOnce ? 0 : 1));
  source.end();
  await primary.ended;
  // A process that produces proves once that notifications reach it.
  const { notify: _proof, ...counts } = counted();
  return counts;
}

interface Counted {
  context: DurableStreamContext;
  /** How often each statement of the transport was sent, by its name. */
  counted: () => Record<string, number>;
  /** Leaves a stream as a producer leaves it that dies. */
  kill: (id: string) => Promise<void>;
}

async function openCounted(options: Partial<CommonOptions>): Promise<Counted> {
  const database = await createDatabase(inject("postgresUrl"));
  onTestFinished(() => database[Symbol.asyncDispose]());
  await setUpTables(database.url);
  const names = new Map(
    Object.entries(createQueries({ tables: DEFAULT_TABLES, leaseMs: 10_000, hasGrace: true })).map(
      ([name, text]) => [text, name],
    ),
  );
  const counts: Record<string, number> = {};
  class CountingClient extends pg.Client {
    // oxlint-disable-next-line typescript/no-explicit-any -- all of pg's overloads
    override query(...args: any[]): any {
      const [first] = args as [string | { text?: string }];
      const name = names.get((typeof first === "string" ? first : first.text) ?? "");
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
      return (super.query as (...given: unknown[]) => unknown).apply(this, args);
    }
  }
  const pool = new pg.Pool({ connectionString: database.url, Client: CountingClient });
  onTestFinished(() => pool.end());
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, ...options });
  onTestFinished(() => context.close());
  const kill = async (id: string): Promise<void> => {
    await database.query(`insert into rs_stream_sessions
      (stream_id, status, epoch, last_offset, lease_expires_at, expires_at, handovers_left)
      values ('resumable-stream:rs:${id}', 'streaming', 7, 0, now() - interval '1 s', now() + interval '1 h', 3)`);
    await untilLeasesLapse(database);
  };
  return { context, counted: () => ({ ...counts }), kill };
}
