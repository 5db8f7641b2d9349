// A context over Redis: a relay, or a log if Redis keeps the text.

import type { DurableStreamContext } from "../api/types.ts";
import { flag } from "../api/options.ts";
import type { ClientLibrary } from "../transports/redis/default-client.ts";
import { connect } from "./pubsub-clients.ts";
import { connectLog, createRedisLogContext } from "./redis-log.ts";
import type { RedisContextOptions } from "./redis-options.ts";
import { createRelayContext } from "./relay.ts";

const OF_KEPT_TEXT = ["leaseMs", "flushIntervalMs", "replay"] as const;

/** @param library - makes the clients that aren't given. */
export function createRedisContext(
  options: RedisContextOptions,
  library: ClientLibrary,
): DurableStreamContext {
  const clients = (): Parameters<typeof connect>[0] => ({
    publisher: options.publisher,
    subscriber: options.subscriber,
    library,
  });
  if (flag("keepText", options?.keepText))
    return createRedisLogContext({ ...options, keepText: true }, () => connectLog(clients()));
  for (const name of OF_KEPT_TEXT) {
    if (options?.[name] !== undefined)
      throw new TypeError(`${name} must be left out without keepText: true.`);
  }
  return createRelayContext(options, () => connect(clients()));
}
