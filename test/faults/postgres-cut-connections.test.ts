// Row: an administrator ends every connection of a database, again and again.

import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

const ROUNDS = 12;

test("onError is told once of all of it, in whatever context of the process, and no text is lost (G1, G7)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  const told: string[] = [];
  const [producing, following] = ["producing", "following"].map((name) =>
    createPostgresResumableStreamContext({
      pool,
      waitUntil: null,
      onError: ({ code }) => told.push(`${name}: ${code}`),
    }),
  );
  if (!producing || !following) throw new Error("No contexts");
  onTestFinished(async () => {
    await Promise.all([producing.close(), following.close()]);
    await pool.end();
  });
  const source = manualSource();
  const reading = read(await producing.createNewResumableStream("s", source.makeStream));
  const follower = read(await following.resumeExistingStream("s"));
  let text = "";
  for (let round = 0; round < ROUNDS; round++) {
    source.push(`${round} `);
    text += `${round} `;
    await follower.reached(text.length);
    await until(() => pool.idleCount > 0, { what: "an idle connection" });
    await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
  }
  source.end();
  for (const each of [reading, follower]) await expectClosed(each, text);
  expect(told).toEqual([expect.stringMatching(/: TRANSPORT_UNAVAILABLE$/)]);
});
