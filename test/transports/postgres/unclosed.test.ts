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

const CONTEXTS = 500;
const AT_ONCE = 20;

test("of 500 contexts whose streams have ended no onError is kept, nor what it closes over", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  onTestFinished(() => pool.end());
  const told: WeakRef<() => void>[] = [];
  const useOnce = async (n: number): Promise<void> => {
    const onError = (): number => n;
    told.push(new WeakRef(onError));
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError });
    await readWhole(context.resumableStream(`s${n}`, sourceOf(["text"])));
  };
  for (let n = 0; n < CONTEXTS; n += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => useOnce(n + i)));
  const kept = async (): Promise<number> => {
    await heapUsed();
    return told.filter((each) => each.deref() !== undefined).length;
  };
  // The connection that listens is kept for 3 s.
  await until(async () => (await kept()) <= AT_ONCE, {
    what: "the contexts to be collected",
    withinMs: 15_000,
  });
  expect(pool.listenerCount("error")).toBe(1);
});
