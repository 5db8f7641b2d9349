// What a context over Postgres leaves to a pool that its app ends next: nothing.

import { Pool } from "pg";
import { expect, inject, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../../src/postgres.ts";
import { manualSource } from "../../../src/testing/manual-source.ts";
import { expectErrored, read } from "../../../src/testing/reading.ts";
import { TcpProxy } from "../../support/proxy.ts";

test("a context that has closed asks nothing more, and its followers elsewhere were told", async () => {
  const [pool, otherPool] = [1, 2].map(() => new Pool({ connectionString: inject("postgresUrl"), max: 2 }));
  if (!pool || !otherPool) throw new Error("No pools");
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
  const other = createPostgresResumableStreamContext({ pool: otherPool, waitUntil: null });
  const id = crypto.randomUUID();
  const source = manualSource();
  await context.createNewResumableStream(id, source.makeStream);
  const follower = read(await other.resumeExistingStream(id));
  source.push("part");
  await follower.reached(4);

  await context.close({ drainMs: 10 });
  expect([pool.waitingCount, pool.totalCount - pool.idleCount]).toEqual([0, 0]);
  await pool.end();
  await expectErrored(follower, { text: "part", code: "PRODUCER_LOST" });
  await other.close();
  await otherPool.end();
});

test("nor does one that has only just begun to listen, to a database far away", async () => {
  const url = new URL(inject("postgresUrl"));
  await using proxy = await TcpProxy.start(Number(url.port), { toServerMs: 40, toClientMs: 40 });
  url.port = String(proxy.port);
  const pool = new Pool({ connectionString: url.href, max: 4 });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
  const { makeStream } = manualSource();
  await context.createNewResumableStream(crypto.randomUUID(), makeStream);
  await context.close();
  expect([pool.waitingCount, pool.totalCount - pool.idleCount]).toEqual([0, 0]);
  await pool.end();
});
