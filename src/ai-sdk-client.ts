/**
 * The page of a chat with the AI SDK, versions 5, 6 and 7. Needs nothing of the server's part.
 *
 * @module
 */

export { createChatClient } from "./ai-sdk/client/chat-client.ts";
export type {
  ChatClient,
  ChatClientOptions,
  ChatTransportOptions,
  PageMessage,
  PreparedQuestion,
  PreparedRequest,
  ShownChat,
} from "./ai-sdk/client/types.ts";
