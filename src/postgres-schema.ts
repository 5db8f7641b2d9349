/**
 * The tables of streams over Postgres, for people who run their own migrations.
 *
 * @module
 */

export { DEFAULT_CHUNK_TABLE, DEFAULT_SCHEMA, DEFAULT_SESSION_TABLE } from "./transports/postgres/schema.ts";
