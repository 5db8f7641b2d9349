import { Client } from "pg";
import { DEFAULT_SCHEMA } from "../../src/postgres-schema.ts";
import { createDatabase, type PrivateDatabase } from "./postgres-database.ts";
import { until } from "./wait.ts";

/** The default of `leaseMs`. */
const LEASE_SECONDS = 10;

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

/** With the tables, in which each claim takes a second. */
export async function createSlowDatabase(url: string): Promise<PrivateDatabase> {
  const database = await createDatabase(url);
  await setUpTables(database.url);
  await database.query(
    "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return new; end $$",
  );
  await database.query(
    "create trigger slow before insert on rs_stream_sessions for each row execute function slow()",
  );
  return database;
}

/** For one lease after a server's start producers may still come back: until then no lease has lapsed. */
export async function untilLeasesLapse(database: PrivateDatabase): Promise<void> {
  const age = "select extract(epoch from now() - pg_postmaster_start_time())::float8 as s";
  await until(async () => Number((await database.query(age))[0]?.["s"]) > LEASE_SECONDS, {
    what: "a lease since the server's start",
    withinMs: 15_000,
  });
}
