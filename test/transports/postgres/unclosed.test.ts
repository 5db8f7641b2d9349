// Contexts made per request, as some apps do, and never closed: once their streams have ended, nothing keeps them.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../../src/postgres.ts";
import { sourceOf } from "../../../src/testing/manual-source.ts";
import { readWhole } from "../../../src/testing/reading.ts";
import { createDatabase } from "../../support/postgres-database.ts";
import { heapUsed } from "../../support/heap.ts";
import { setUpTables } from "../../support/postgres-tables.ts";
import { until } from "../../support/wait.ts";

/** Of what `onError` closes over, as an app's may over its request. */
const KEPT_BYTES = 10_000;
const CONTEXTS = 500;
const AT_ONCE = 20;

test("500 contexts whose streams have ended leave no more than a tenth of what their onError closes over", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  onTestFinished(() => pool.end());
  const useOnce = async (n: number): Promise<void> => {
    // Latin-1, a byte per character, and made for this request only.
    const request = String(n).padEnd(KEPT_BYTES, ".").toUpperCase();
    const onError = (): string => request;
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError });
    await readWhole(context.resumableStream(`s${n}`, sourceOf(["text"])));
  };
  const use = async (first: number, count: number): Promise<void> => {
    for (let n = first; n < first + count; n += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => useOnce(n + i)));
  };
  await use(0, 100);
  // The connections that listen are kept for 3 s.
  await until(() => pool.idleCount === pool.totalCount, { what: "the connections to be given back" });
  const before = await heapUsed();
  await use(1_000, CONTEXTS);
  await until(() => pool.idleCount === pool.totalCount, { what: "the connections to be given back" });
  await until(async () => (await heapUsed()) - before < (CONTEXTS * KEPT_BYTES) / 10, {
    what: "the contexts to be collected",
    withinMs: 15_000,
  });
  expect(pool.listenerCount("error")).toBe(1);
});
