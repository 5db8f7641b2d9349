// The types of a chat's handlers.

import type { EndKind } from "../port/transport.ts";
import type { ChatMessage, UIMessageChunk } from "./messages.ts";
import type { UIMessageResponseOptions } from "./response.ts";

/** A question, for the model. */
export interface Question<Message extends ChatMessage> {
  /** Which chat it is of. */
  chatId: string;
  /** The chat's messages, the last of which is the question. */
  messages: Message[];
  /** Aborted when the answer is stopped, and never because a reader left: give it to the model. */
  signal: AbortSignal;
  /** The rest of what the page posted with its message, unchecked. */
  body: Record<string, unknown>;
}

/** The reason of a save. */
export interface SavedChat<Message extends ChatMessage> {
  /** How the answer ended. Undefined if it is the question that is new, before the model is asked. */
  end: EndKind | undefined;
  /** The mark of the answer's generation. Undefined of a question, and of an answer that nobody could have resumed. */
  generation: string | undefined;
  /** The message that is new in the chat: the question or the answer. Undefined if nothing of the answer came, or all of it was lost. */
  message: Message | undefined;
}

/**
 * How a chat is stored and answered. `Message` is the app's own `UIMessage`; `Rest` is what the framework passes besides the
 * request.
 */
export interface ChatHandlersOptions<
  Message extends ChatMessage,
  Rest extends readonly unknown[] = [],
> extends Omit<UIMessageResponseOptions, "signal"> {
  /** The chat that a request is for. @defaultValue what `?id=` names */
  chatId?: (
    request: Request,
    ...rest: Rest
  ) => string | null | undefined | Promise<string | null | undefined>;
  /**
   * Whether this request may read, ask and stop in this chat. Asked first of all. Only `true` is a yes. A response of yours is
   * sent as it is; anything else answers 403.
   */
  authorize: (
    request: Request,
    chatId: string,
    ...rest: Rest
  ) => boolean | Response | Promise<boolean | Response>;
  /** The chat's messages, from where `save` put them; none of a chat that is new. */
  load: (chatId: string) => Message[] | Promise<Message[]>;
  /**
   * Saves the chat's messages: once with the question, before the model is asked, and once with the answer, when that has
   * ended, also if it was stopped, failed or lost. A second call for one `generation` says the same. While it runs the answer
   * counts as running, for at most `onEndTimeoutMs` of the context.
   */
  save: (chatId: string, messages: Message[], about: SavedChat<Message>) => unknown;
  /** Asks the model. What it throws, and what its stream fails with, fails the answer. */
  answer: (
    question: Question<Message>,
  ) => ReadableStream<UIMessageChunk> | Promise<ReadableStream<UIMessageChunk>>;
  /**
   * Whether a message that was posted is one of the app's: its shape was checked, its parts weren't. Only `true` is a yes;
   * anything else answers 400. @defaultValue any message is
   */
  validate?: (message: Message, chatId: string) => boolean | Promise<boolean>;
  /** Goes before a chat's id in its stream's, so that the context may have other streams. @defaultValue "chat:" */
  prefix?: string;
}

/** Three handlers on `Request` and `Response`, for one route. */
export interface ChatHandlers<Rest extends readonly unknown[] = []> {
  /** Takes a message of the user's, and answers with the model's. */
  POST: (request: Request, ...rest: Rest) => Promise<Response>;
  /** Resumes the answer; with `?messages`, gives the chat's messages. */
  GET: (request: Request, ...rest: Rest) => Promise<Response>;
  /** Stops the answer, or with `?generation=` that one and no other. */
  DELETE: (request: Request, ...rest: Rest) => Promise<Response>;
}
