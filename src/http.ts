/**
 * Streams over HTTP, on web-standard Request and Response: Next.js, Hono, Bun, Deno, Workers, and Node by a bridge.
 *
 * @module
 */

export { endOf, generationOf } from "./engine/ends.ts";
export type { CompactedEvent, Compactor } from "./http/compaction.ts";
export {
  createResumeHandlers,
  type ResumeHandlers,
  type ResumeHandlersOptions,
  type StreamsOfHandlers,
} from "./http/handlers.ts";
export {
  type NodeHandler,
  type NodeHandlerContext,
  type NodeHandlerOptions,
  toNodeHandler,
} from "./http/node.ts";
export { type StreamResponseOptions, streamResponse } from "./http/response.ts";
export type { EndKind } from "./port/transport.ts";
