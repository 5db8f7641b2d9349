// Options of the contexts over a pub/sub server: the clients.

import type { CommonOptions } from "../api/common-options.ts";
import type { Publisher, Subscriber } from "../transports/generic/clients.ts";

/** Options of a context over Redis. */
export interface CreateResumableStreamContextOptions extends CommonOptions {
  /**
   * A client to subscribe with: node-redis 4, 5 or 6, ioredis 5 or 6, a cluster client of either, or any object with
   * `subscribe` and `unsubscribe`.
   * Connected or not yet; never closed by us. Required by `/generic`.
   * @defaultValue made on first use from `REDIS_URL` or `KV_URL`, which may list nodes of a cluster
   */
  subscriber?: Omit<Subscriber, "connect"> | RedisClient;
  /**
   * A client to publish with: node-redis 4, 5 or 6, ioredis 5 or 6, a cluster client of either, or any object with
   * `publish`, `set`, `get` and `incr`. Connected or not yet; never closed by us. Required by `/generic`.
   * @defaultValue made on first use from `REDIS_URL` or `KV_URL`, which may list nodes of a cluster
   */
  publisher?: Omit<Publisher, "connect"> | RedisClient;
}

/** An ioredis instance, by the one method that tells it from other clients. */
export interface RedisClient {
  /** Not called by us. */
  defineCommand: (...args: never[]) => unknown;
}

/** Options of a context that keeps the text in Redis. Durations are milliseconds above 0. */
export interface KeepTextOptions {
  /**
   * Whether Redis keeps the text: it outlives its producer, and `hasExistingStream` may say `"failed"`. Needs clients of the
   * `redis` or `ioredis` package. @defaultValue false
   */
  keepText: true;
  /**
   * How long a producer that says nothing counts as alive. After that its stream is `"failed"`, to every reader at once. Over a
   * cluster or Sentinel longer than a fail-over takes. @defaultValue 10000
   */
  leaseMs?: number;
  /** For how long text gathers before it is written, while nobody follows in another process. @defaultValue 200 */
  flushIntervalMs?: number;
  /**
   * Whether `resumeExistingStream` gives the text of a stream that is done or stopped as well, from the position on, and then
   * its end: for as long as `retentionSeconds` keeps it. Without it such a stream is `null`. @defaultValue false
   */
  replay?: boolean;
}

/** Options of the factories over Redis, whichever of the two they make. */
export type RedisContextOptions = CreateResumableStreamContextOptions &
  Partial<Omit<KeepTextOptions, "keepText">> & { keepText?: boolean };
