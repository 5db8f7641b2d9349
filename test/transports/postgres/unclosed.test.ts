// Contexts made per request, as some apps do, and never closed: once their streams have ended, nothing keeps them.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../../src/postgres.ts";
import { createDatabase } from "../../support/postgres-database.ts";
import { setUpTables } from "../../support/postgres-tables.ts";
import { untilNoneIsKept } from "../../support/unclosed.ts";

test("of 500 contexts whose streams have ended no onError is kept, nor what it closes over", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  onTestFinished(() => pool.end());
  await untilNoneIsKept((onError) =>
    createPostgresResumableStreamContext({ pool, waitUntil: null, onError }),
  );
  expect(pool.listenerCount("error")).toBe(1);
});
