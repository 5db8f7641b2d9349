/**
 * Streams over a transport of your own: a database, a log or a message server that this package doesn't know.
 *
 * @module
 */

import { createTransportContext, type CreateTransportContextOptions } from "./api/transport-context.ts";
import type { DurableStreamContext } from "./api/types.ts";

export { endOf, generationOf } from "./engine/journeys.ts";
export { ResumableStreamError, type ResumableStreamErrorCode } from "./api/errors.ts";
export type {
  CreateTransport,
  CreateTransportContextOptions,
  TransportSettings,
} from "./api/transport-context.ts";
export type {
  CommonOptions,
  DurableStreamContext,
  MakeStream,
  MakeStreamContext,
  StopOptions,
  StreamEvent,
} from "./api/types.ts";
export { bounded, cutText } from "./transports/author.ts";
export type * from "./transports/transport.ts";

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
