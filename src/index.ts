/**
 * The default entry: streams over Redis, with node-redis if no client is given, and over Postgres.
 *
 * @module
 */

export * from "./redis.ts";
export {
  createPostgresResumableStreamContext,
  type CreatePostgresResumableStreamContextOptions,
  type DurableStreamContext,
  type PostgresClient,
  type PostgresPool,
  type PostgresStoreOptions,
} from "./postgres.ts";
