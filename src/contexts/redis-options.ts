// Options of the contexts over a pub/sub server: the clients.

import type { CommonOptions } from "../api/types.ts";
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
