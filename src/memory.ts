/**
 * Streams inside one process, with no server: for development, tests, and a single long-lived server.
 *
 * @module
 */

import { createRelayContext } from "./contexts/relay.ts";
import type { CommonOptions } from "./api/common-options.ts";
import type { ResumableStreamContext } from "./api/types.ts";
import { memoryConnection, sharedMemoryBus } from "./transports/memory/memory-connection.ts";

export * from "./api/public.ts";
export type { ResumableStreamContext } from "./api/types.ts";

/**
 * Creates a context whose streams live in this process. All contexts of the process with the same `keyPrefix` share
 * their streams, also if a bundler has loaded this module more than once.
 *
 * @example
 * const streams = createResumableStreamContext({ waitUntil: null });
 * const stream = await streams.resumableStream("chat-1", makeStream);
 *
 * @param options - `waitUntil` is required.
 * @throws TypeError naming the option that can't be used.
 */
export function createResumableStreamContext(options: CommonOptions): ResumableStreamContext {
  return createRelayContext(options, () => memoryConnection(sharedMemoryBus()));
}
