// The tables in Postgres, where there is one.

import { DEFAULT_SCHEMA } from "resumable-stream/postgres/schema";

export async function setUpTables(url: string | undefined): Promise<void> {
  if (!url) return;
  const { Client } = await import("pg");
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(DEFAULT_SCHEMA);
  await client.end();
}
