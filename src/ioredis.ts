/**
 * Streams over Redis; clients that aren't given are made with the `ioredis` package, on first use.
 *
 * @module
 */

import { createRedisContext } from "./contexts/redis.ts";
import type { DurableStreamContext, ResumableStreamContext } from "./api/types.ts";
import type {
  CreateResumableStreamContextOptions,
  KeepTextOptions,
  RedisContextOptions,
} from "./contexts/redis-options.ts";
import { ioredisLibrary } from "./transports/redis/ioredis-library.ts";

export * from "./contexts/redis-public.ts";

/**
 * Creates a context over Redis.
 *
 * Clients that aren't passed are made with ioredis from `REDIS_URL` or `KV_URL`, on first use, shared by all contexts of
 * the process, and closed by `close()` of the last.
 *
 * With `keepText: true` Redis keeps the text, which then outlives its producer.
 *
 * @example
 * const streams = createResumableStreamContext({ waitUntil: after });
 * const stream = await streams.resumableStream("chat-1", makeStream);
 *
 * @param options - `waitUntil` is required.
 * @throws TypeError naming the option that can't be used.
 */
export function createResumableStreamContext(
  options: CreateResumableStreamContextOptions & KeepTextOptions,
): DurableStreamContext;
export function createResumableStreamContext(
  options: CreateResumableStreamContextOptions & { keepText: false },
): ResumableStreamContext;
export function createResumableStreamContext(
  options: CreateResumableStreamContextOptions & { keepText: boolean },
): DurableStreamContext;
// The last one is what `ReturnType` and `Parameters` see: that of version 2.
export function createResumableStreamContext(
  options: CreateResumableStreamContextOptions & { keepText?: false },
): ResumableStreamContext;
export function createResumableStreamContext(options: RedisContextOptions): DurableStreamContext {
  return createRedisContext(options, ioredisLibrary);
}
