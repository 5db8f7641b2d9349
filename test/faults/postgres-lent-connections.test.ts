// Row: a connection that breaks in the moment it is lent. A pool stops listening to it before its borrower can begin to: what
// says that the server is gone may come in the same packet as what says that it is ready.

import { Pool } from "pg";
import { expect, inject, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";

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
