import { Client } from "pg";
import { DEFAULT_SCHEMA } from "../../src/postgres-schema.ts";

/** Creates the tables, or upgrades them. */
export async function setUpTables(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(DEFAULT_SCHEMA);
  } finally {
    await client.end();
  }
}
