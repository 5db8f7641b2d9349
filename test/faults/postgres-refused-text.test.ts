// Row: a database refuses what one stream says for a while. That is tried apart, and its other streams have their pace.

import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";

test("a refused stream is tried at its own pace, until it is taken, and the others keep theirs", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await database.query("create sequence tries");
  await database.query(
    "alter table rs_stream_chunks add constraint refusing check (stream_id not like '%refused' or nextval('tries') < 0)",
  );
  const [producing, following] = [1, 2].map(() => {
    const pool = new Pool({ connectionString: database.url, max: 5 });
    const context = createPostgresResumableStreamContext({ pool, waitUntil: null, onError: () => undefined });
    onTestFinished(() => context.close().then(() => pool.end()));
    return context;
  }) as [DurableStreamContext, DurableStreamContext];
  const open = async (id: string) => {
    const source = manualSource();
    await producing.createNewResumableStream(id, source.makeStream);
    return { source, reading: read(await following.resumeExistingStream(id)) };
  };
  const [other, refused] = [await open("other"), await open("refused")];
  refused.source.push("text");
  let longestMs = 0;
  for (let length = 1; length <= 25; length++) {
    const pushedAt = performance.now();
    other.source.push("x");
    await other.reading.reached(length);
    longestMs = Math.max(longestMs, performance.now() - pushedAt);
    await sleep(50);
  }
  expect(longestMs).toBeLessThan(900);
  const [row] = await database.query("select last_value::int as tries from tries");
  expect(row?.["tries"]).toBeLessThan(20);
  await database.query("alter table rs_stream_chunks drop constraint refusing");
  await refused.reading.reached(4);
  const takenAt = performance.now();
  refused.source.push("more");
  await refused.reading.reached(8);
  expect(performance.now() - takenAt).toBeLessThan(1_000);
});
