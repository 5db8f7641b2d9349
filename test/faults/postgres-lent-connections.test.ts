// Row: a connection that breaks in the moment it is lent. A pool stops listening to it before its borrower can begin to: what
// says that the server is gone may come in the same packet as what says that it is ready.

import { Pool } from "pg";
import { expect, inject, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

test("a connection that breaks as it is lent ends no process (G7)", async () => {
  const pool = new Pool({ connectionString: inject("postgresUrl") });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError: () => undefined });
  let isHeard: boolean | undefined;
  // As the borrower's first turn would, but before it: nobody has had time to listen.
  const lent = await new Promise<{ release: (destroy: boolean) => void }>((resolve, reject) => {
    pool.connect((error, client, release) => {
      isHeard = client !== undefined && client.listenerCount("error") > 0;
      if (error) reject(error);
      else resolve({ release });
    });
  });
  lent.release(true);
  expect(isHeard).toBe(true);
  await context.close();
  await pool.end();
});

test("a context for each request takes one connection of the pool to listen, and gives it back within seconds", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  const contexts = Array.from({ length: 8 }, () =>
    createPostgresResumableStreamContext({ pool, waitUntil: null, onError: () => undefined }),
  );
  // Between two statements only the one that listens is lent.
  const lent = (): number => pool.totalCount - pool.idleCount;
  const streams = await Promise.all(
    contexts.map(async (context, n) => {
      const source = manualSource();
      await context.createNewResumableStream(`s${n}`, source.makeStream);
      const next = contexts[(n + 1) % contexts.length];
      return { source, reading: read(await next?.resumeExistingStream(`s${n}`)) };
    }),
  );
  await until(() => lent() === 1, { what: "a connection that listens" });
  for (const { source } of streams) source.push("text");
  await Promise.all(streams.map(({ reading }) => reading.reached(4)));
  await until(() => lent() === 1, { what: "one connection that listens" });
  // One that closes takes no ear from the others.
  await contexts[0]?.close();
  for (const { source } of streams.slice(1)) source.end();
  for (const { reading } of streams.slice(1, -1)) await expectClosed(reading, "text");
  await until(() => lent() === 0, {
    what: "the connection to be given back",
    withinMs: 8_000,
  });
  for (const context of contexts) await context.close();
  await pool.end();
});
