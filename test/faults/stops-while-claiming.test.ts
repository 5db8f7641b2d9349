// A stop in the process that is just asking for its id, over a pool on which it would reach the database before the claim.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createSlowDatabase } from "../support/postgres-tables.ts";

test("over Postgres, a stop waits for no call of its process that came after it (G6)", async () => {
  await using database = await createSlowDatabase(inject("postgresUrl"));
  const over = () => {
    const pool = new Pool({ connectionString: database.url, max: 10 });
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
    onTestFinished(() => context.close().then(() => pool.end()));
    return context;
  };
  const [producing, asked] = [over(), over()];
  const source = manualSource();
  const own = read(await producing.createNewResumableStream("x", source.makeStream));
  const following: Promise<unknown>[] = [];
  const call = () => void following.push(asked.resumableStream("x", manualSource().makeStream));
  call();
  const calling = setInterval(call, 200);
  onTestFinished(() => clearInterval(calling));
  expect(await asked.hasExistingStream("x")).toBe(true);
  expect(await asked.stopStream("x")).toBe(true);
  clearInterval(calling);
  await expectClosed(own, "");
  await Promise.all(following);
});

test.each(["resumableStream", "createNewResumableStream"] as const)(
  "over Postgres, a stop that overtakes the claim of a %s in its process stops what that begins",
  async (call) => {
    await using database = await createSlowDatabase(inject("postgresUrl"));
    const pool = new Pool({ connectionString: database.url, max: 4 });
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
    onTestFinished(() => context.close().then(() => pool.end()));
    const source = manualSource();
    const calling = context[call]("x", source.makeStream);
    // Over another connection, as the stop would be.
    expect(await context.hasExistingStream("x")).toBe(null);
    expect(await context.stopStream("x")).toBe(true);
    await expectClosed(read(await calling), "");
    expect(source.signal().aborted).toBe(true);
  },
);
