// A stream may run for longer than its record is kept after its end: the record must not expire under it (G3).

import { setTimeout as pass } from "node:timers/promises";
import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createResumableStreamContext as overMemory } from "../../src/memory.ts";
import { createPostgresResumableStreamContext as overPostgres } from "../../src/postgres.ts";
import { createResumableStreamContext as overRedis } from "../../src/redis.ts";
import type { DurableStreamContext, ResumableStreamContext } from "../../src/api/types.ts";
import { freshId, freshKeyPrefix } from "../../src/testing/contract.ts";
import { manualSource, mustNotProduce } from "../../src/testing/manual-source.ts";
import { expectClosed, read, until } from "../../src/testing/reading.ts";
import { createClients } from "../support/clients.ts";

const RETENTION_SECONDS = 1;

type Context = ResumableStreamContext | DurableStreamContext;

/** A stream that runs for so long keeps its id, and loses it after its end. */
async function expectToOutlive([context, other]: [Context, Context], runsMs: number): Promise<void> {
  try {
    const id = freshId();
    const source = manualSource();
    const primary = read(await context.resumableStream(id, source.makeStream));
    source.push("long ");
    // Nothing tells that a record would have expired but the time that it takes.
    await pass(runsMs);
    const follower = read(await other.resumableStream(id, mustNotProduce));
    source.push("text");
    source.end();
    for (const reading of [primary, follower]) await expectClosed(reading, "long text");
    await until(async () => expect(await other.hasExistingStream(id)).toBeNull());
  } finally {
    await Promise.all([context.close(), other.close()]);
  }
}

test.each(["memory", "redis-6", "ioredis-6"] as const)(
  "%s: a stream that runs for longer than retentionSeconds keeps its id, and loses it after its end",
  async (kind) => {
    const options = { waitUntil: null, keyPrefix: freshKeyPrefix(), retentionSeconds: RETENTION_SECONDS };
    const clients = kind === "memory" ? undefined : await createClients(kind, inject("redisUrl"));
    const open = () => (clients ? overRedis({ ...options, ...clients }) : overMemory(options));
    await expectToOutlive([open(), open()], RETENTION_SECONDS * 2_500);
    clients?.close();
  },
);

test.each(["postgres", "redis-6"] as const)(
  "%s that keeps the text: so does one of a log, whose lease is renewed",
  async (kind) => {
    const options = {
      waitUntil: null,
      keyPrefix: freshKeyPrefix(),
      retentionSeconds: RETENTION_SECONDS,
      leaseMs: 1_000,
    };
    const pool = new Pool({ connectionString: inject("postgresUrl") });
    const clients = kind === "postgres" ? undefined : await createClients(kind, inject("redisUrl"));
    const open = () =>
      clients ? overRedis({ ...options, ...clients, keepText: true }) : overPostgres({ ...options, pool });
    // A running stream is kept for two leases at least.
    await expectToOutlive([open(), open()], RETENTION_SECONDS * 4_500);
    clients?.close();
    await pool.end();
  },
);

test.each(["redis-6", "redis-6 that keeps the text", "postgres"])(
  "%s: a record may be kept for ever",
  async (kind) => {
    const options = {
      waitUntil: null,
      keyPrefix: freshKeyPrefix(),
      retentionSeconds: Number.MAX_SAFE_INTEGER,
    };
    const pool = new Pool({ connectionString: inject("postgresUrl") });
    const clients = await createClients("redis-6", inject("redisUrl"));
    await using context =
      kind === "postgres"
        ? overPostgres({ ...options, pool })
        : overRedis({ ...options, ...clients, keepText: kind !== "redis-6" });
    onTestFinished(async () => {
      clients.close();
      await pool.end();
    });
    const id = freshId();
    const source = manualSource();
    const primary = read(await context.resumableStream(id, source.makeStream));
    source.push("text");
    source.end();
    await expectClosed(primary, "text");
    expect(await context.hasExistingStream(id)).toBe("DONE");
  },
);
