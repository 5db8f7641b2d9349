// The types of a page's chats, by what is used of AI SDK 5, 6 and 7.

/** A message as `useChat` shows it, as far as it is looked at here. */
export interface PageMessage {
  /** Its name in the chat. */
  id: string;
  /** `"user"` or `"assistant"`. */
  role: string;
}

/** The part of `useChat`'s return that is used. */
export interface ShownChat<Message extends PageMessage> {
  /** The chat's. */
  id: string;
  /** Its messages, as they are shown. */
  messages: readonly Message[];
  /** Shows the messages that a function makes of those that are there, rendered or not. */
  setMessages: (change: (messages: Message[]) => Message[]) => void;
  /** Takes up the answer that is being written. */
  resumeStream: () => Promise<void>;
  /** Lets this page go of the answer, and keeps it from sending more of itself. */
  stop?: () => unknown;
}

/** How the route is asked. */
export interface ChatClientOptions {
  /** The route of `createChatHandlers`. `?id=` is added for each chat. @defaultValue "/api/chat" */
  api?: string;
  /** Sent with each request; a function is asked each time, so that a token may be a fresh one. @defaultValue none */
  headers?: Record<string, string> | (() => Record<string, string>) | (() => Promise<Record<string, string>>);
  /** As `fetch` takes it. @defaultValue "same-origin" */
  credentials?: RequestCredentials;
  /** Makes all requests. @defaultValue the platform's */
  fetch?: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** As `resumableFetch` takes it: attempts in a row that came no further. @defaultValue Infinity */
  maxAttempts?: number;
  /** As `resumableFetch` takes it, in milliseconds. @defaultValue 40000 */
  stallTimeoutMs?: number;
}

/** A request of a chat, as `DefaultChatTransport` sends it. */
export interface PreparedRequest {
  /** Its URL. */
  api: string;
}

/** A request that posts. */
export interface PreparedQuestion extends PreparedRequest {
  /** Posted as JSON. */
  body: object;
}

/** Options of `DefaultChatTransport` of AI SDK 5, 6 and 7. */
export interface ChatTransportOptions<Message extends PageMessage> {
  /** The route. */
  api: string;
  /** Reads answers, over as many connections as it takes. */
  fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** The client's. */
  headers?: NonNullable<ChatClientOptions["headers"]>;
  /** The client's. */
  credentials?: RequestCredentials;
  /** Posts the last message of the user's. */
  prepareSendMessagesRequest: (request: {
    id: string;
    messages: Message[];
    body: Record<string, unknown> | undefined;
    trigger: string;
  }) => PreparedQuestion;
  /** Asks for the answer of the chat. */
  prepareReconnectToStreamRequest: (request: { id: string }) => PreparedRequest;
}

/** A page's chats. */
export interface ChatClient<Message extends PageMessage> {
  /** For `new DefaultChatTransport(…)`. */
  transport: ChatTransportOptions<Message>;
  /**
   * Tells which chat is shown, so that what it lacks can be loaded into it. Called at each render.
   *
   * @param chat - what `useChat` returned, which is given back.
   */
  attach: <Chat extends ShownChat<Message>>(chat: Chat) => Chat;
  /**
   * Stops the model, and with it the answer in every tab; this page lets go of it at once. The answer is saved, as far as it
   * came, when the promise settles.
   *
   * @param chatId - the chat's id.
   * @returns false if no answer was running.
   * @throws Error if the server refused, or couldn't be reached.
   */
  stop: (chatId: string) => Promise<boolean>;
  /**
   * The chat's messages as the server has them.
   *
   * @param chatId - the chat's id.
   * @throws Error if the server refused, or couldn't be reached.
   */
  load: (chatId: string) => Promise<Message[]>;
}
