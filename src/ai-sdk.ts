/**
 * The server of a chat with the AI SDK, versions 5, 6 and 7: route handlers, and the pieces that they are made of.
 *
 * @module
 */

export { compactUIMessageChunks } from "./ai-sdk/compact.ts";
export { foldUIMessage, type FoldOptions } from "./ai-sdk/fold.ts";
export { createChatHandlers, type StreamsOfChats } from "./ai-sdk/handlers.ts";
export type { ChatMessage, UIMessageChunk } from "./ai-sdk/messages.ts";
export {
  finishOfStop,
  type StopFinish,
  uiMessageResponse,
  type UIMessageResponseOptions,
} from "./ai-sdk/response.ts";
export { type TextOptions, uiMessageText } from "./ai-sdk/text.ts";
export type { ChatHandlers, ChatHandlersOptions, Question, SavedChat } from "./ai-sdk/types.ts";
export type { CompactedEvent, Compactor } from "./http/compaction.ts";
export type { EndKind } from "./port/transport.ts";
