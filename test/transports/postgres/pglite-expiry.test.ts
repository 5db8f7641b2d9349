// An embedded database has no server beside it whose cron job deletes what has expired.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { expect, test } from "vitest";
import { createPgliteResumableStreamContext } from "../../../src/pglite.ts";
import { sourceOf } from "../../../src/testing/manual-source.ts";
import { readWhole } from "../../../src/testing/reading.ts";
import { until } from "../../support/wait.ts";

test("expired streams are deleted by whoever uses the database next, with their text; others stay", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pglite-expiry-"));
  const first = await PGlite.create(folder);
  const before = createPgliteResumableStreamContext({ pglite: first, waitUntil: null });
  for (const id of ["expired", "kept"]) await readWhole(before.resumableStream(id, sourceOf(["text"])));
  await before.close();
  await first.query(
    "update rs_stream_sessions set expires_at = now() - interval '1 s' where stream_id like '%:expired'",
  );
  await first.close();
  // Opened again, as by the next process.
  const pglite = await PGlite.create(folder);
  const after = createPgliteResumableStreamContext({ pglite, waitUntil: null });
  expect(await after.hasExistingStream("kept")).toBe("DONE");
  await until(
    async () => {
      const { rows } = await pglite.query<{ stream_id: string }>("select stream_id from rs_stream_chunks");
      return rows.length === 1 && rows[0]?.stream_id.endsWith(":kept") === true;
    },
    { what: "the deletion" },
  );
  await after.close();
  await pglite.close();
  await rm(folder, { recursive: true });
});
