/**
 * Streams over any pub/sub with a counter: Upstash, Valkey, a client of your own.
 *
 * @module
 */

import { createRelayContext } from "./contexts/relay.ts";
import type { ResumableStreamContext } from "./api/types.ts";
import type { CreateResumableStreamContextOptions } from "./contexts/redis-options.ts";
import { connect } from "./contexts/pubsub-clients.ts";

export * from "./contexts/redis-public.ts";

/**
 * Creates a context over clients of your own. Both `publisher` and `subscriber` are required, and neither is closed by us.
 *
 * @example
 * const streams = createResumableStreamContext({ waitUntil: null, publisher, subscriber });
 * const stream = await streams.resumableStream("chat-1", makeStream);
 *
 * @param options - `waitUntil`, `publisher` and `subscriber` are required.
 * @throws TypeError naming the option that is missing or can't be used.
 */
export function createResumableStreamContext(
  options: CreateResumableStreamContextOptions,
): ResumableStreamContext {
  return createRelayContext(options, () =>
    connect({ publisher: options.publisher, subscriber: options.subscriber }),
  );
}
