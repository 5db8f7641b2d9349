// Row: a store is away twice within seconds, and is back between. All contexts of the process together tell it once.

import { Redis } from "ioredis";
import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import type { ResumableStreamError } from "../../src/api/public.ts";
import type { DurableStreamContext } from "../../src/api/types.ts";
import { createResumableStreamContext as overRedis } from "../../src/ioredis.ts";
import { createPostgresResumableStreamContext as overPostgres } from "../../src/postgres.ts";
import { freshKeyPrefix } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";

type Context = Pick<DurableStreamContext, "createNewResumableStream" | "close"> & {
  hasExistingStream: (id: string) => Promise<unknown>;
};

const errors: string[] = [];
const options = {
  waitUntil: null,
  ackTimeoutMs: 400,
  claimTimeoutMs: 400,
  onError: ({ code }: ResumableStreamError) => errors.push(code),
};

async function redis(keepText: boolean): Promise<[TcpProxy, Context, Context]> {
  const proxy = await TcpProxy.start(Number(new URL(inject("redisUrl")).port));
  const [publisher, subscriber] = [0, 1].map(() =>
    new Redis(`redis://127.0.0.1:${proxy.port}`).on("error", () => undefined),
  ) as [Redis, Redis];
  onTestFinished(() => [publisher, subscriber].forEach((client) => client.disconnect()));
  const shared = { ...options, keyPrefix: freshKeyPrefix(), publisher, subscriber };
  const open = (): Context => (keepText ? overRedis({ ...shared, keepText }) : overRedis(shared));
  return [proxy, open(), open()];
}

async function postgres(): Promise<[TcpProxy, Context, Context]> {
  const database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const url = new URL(database.url);
  const proxy = await TcpProxy.start(Number(url.port));
  Object.assign(url, { hostname: "127.0.0.1", port: proxy.port });
  const pool = new Pool({ connectionString: url.href });
  onTestFinished(async () => {
    await pool.end();
    await database[Symbol.asyncDispose]();
  });
  const open = (): Context => overPostgres({ ...options, pool });
  return [proxy, open(), open()];
}

test.each([
  ["Redis", () => redis(false)],
  ["Redis that keeps the text", () => redis(true)],
  ["Postgres", postgres],
])("%s: an outage is told once, whatever succeeds between (G16)", async (_, openStore) => {
  errors.length = 0;
  const [proxy, ...contexts] = await openStore();
  for (const round of ["a", "b"]) {
    const streams = await Promise.all(
      contexts.flatMap((context, index) =>
        [1, 2].map(async (n) => {
          const source = manualSource();
          const id = `${round}-${index}-${n}`;
          return { id, source, reading: read(await context.createNewResumableStream(id, source.makeStream)) };
        }),
      ),
    );
    proxy.blackHole();
    for (const { source } of streams) {
      source.push("text");
      source.end();
    }
    for (const { reading } of streams) await expectClosed(reading, "text");
    await until(() => errors.length > 0, { what: "somebody to be told" });
    // Each of the others fails as well, and each context's next calls.
    for (const context of contexts)
      await expect(context.hasExistingStream(round)).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
    proxy.forget();
    proxy.cut();
    const isBack = async (context: Context): Promise<boolean> =>
      (await context.hasExistingStream("none").catch(() => "away")) === null;
    for (const context of contexts) await until(() => isBack(context), { what: "the store" });
  }
  expect(errors).toEqual(["TRANSPORT_UNAVAILABLE"]);
  for (const context of contexts) await context.close();
  await proxy.stop();
});
