/**
 * Streams over a transport of your own: a database, a log or a message server that this package doesn't know.
 *
 * @module
 */

import { createTransportContext, type CreateTransportContextOptions } from "./contexts/transport.ts";
import type { DurableStreamContext } from "./api/types.ts";

export * from "./api/public.ts";
export type {
  CreateTransport,
  CreateTransportContextOptions,
  TransportSettings,
} from "./contexts/transport.ts";
export type { DurableStreamContext } from "./api/types.ts";
export type { Cancel, Clock } from "./lib/clock.ts";
export { bounded, cutText } from "./port/authoring.ts";
export type { Ended, HandOver } from "./port/hand-over.ts";
export type * from "./port/transport.ts";

/**
 * Creates a context over a transport of your own. Its `Transport` is the port that every transport of this package
 * implements; `describeTransport` of `resumable-stream/testing` tells whether it does.
 *
 * @example
 * const streams = createResumableStreamContext({ transport: (settings) => myTransport(settings), waitUntil: null });
 *
 * @throws TypeError naming the option that can't be used, or the method that the transport lacks.
 */
export function createResumableStreamContext(options: CreateTransportContextOptions): DurableStreamContext {
  return createTransportContext(options);
}
