// Row: a database whose transactions are more than "read committed". A statement that waited for another's row is undone there.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";

test.each(["repeatable read", "serializable"])(
  "of 8 callers at once exactly one produces where transactions are %s (G3)",
  { timeout: 30_000 },
  async (level) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    const name = new URL(database.url).pathname.slice(1);
    await database.query(`alter database "${name}" set default_transaction_isolation = '${level}'`);
    const troubles: unknown[] = [];
    const contexts = Array.from({ length: 4 }, () => {
      const pool = new Pool({ connectionString: database.url, max: 5 });
      const onError = (error: unknown): unknown => troubles.push(error);
      const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError });
      onTestFinished(() => context.close().then(() => pool.end()));
      return context;
    });
    for (let round = 0; round < 5; round += 1) {
      const source = manualSource();
      const readings = await Promise.all(
        [...contexts, ...contexts].map(async (context) =>
          read(await context.resumableStream(`chat-${round}`, source.makeStream)),
        ),
      );
      expect(source.calls()).toBe(1);
      source.push("one text");
      source.end();
      for (const reading of readings) await expectClosed(reading, "one text");
    }
    expect(troubles).toEqual([]);
  },
);
