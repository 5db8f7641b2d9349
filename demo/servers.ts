// What the front itself asks of servers.

import { DEFAULT_SCHEMA } from "resumable-stream/postgres/schema";

/** Counts what the streams have asked of Redis since the demo started; undefined over memory, where there is nothing to ask. */
export async function countCommands(url: string | undefined): Promise<() => Promise<number | undefined>> {
  if (!url) return async () => undefined;
  const { createClient } = await import("redis");
  const client = await createClient({ url }).connect();
  const count = async (): Promise<number> => {
    const stats = await client.info("commandstats");
    let sum = 0;
    for (const [, name = "", calls] of stats.matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm)) {
      // The connections' own affairs, and this very question.
      if (!/^(info|hello|client|ping|auth|select)\b/.test(name)) sum += Number(calls);
    }
    return sum;
  };
  const before = await count();
  return async () => (await count()) - before;
}

/** Creates the tables in Postgres, where there is one. */
export async function setUpTables(url: string | undefined): Promise<void> {
  if (!url) return;
  const { Client } = await import("pg");
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(DEFAULT_SCHEMA);
  await client.end();
}
