// How a page reads, resumes and stops the answers of a chat. The thinnest layer between useChat and resumableFetch.

import { ResumableFetchError } from "../../client/error.ts";
import { pastCache, systemPlatform } from "../../client/platform.ts";
import { resumableFetch, type ResumableFetchInit } from "../../client/resumable-fetch.ts";
import { firstAnswer, reasonOf } from "../../client/wait.ts";
import { Reading, type Seen } from "./reading.ts";
import type { ChatClient, ChatClientOptions, PageMessage, ShownChat } from "./types.ts";

/** A question waits no longer for a stop before it: the server takes 30 s at most to save what there is, and says if it runs still. */
const STOP_WAIT_MS = 35_000;
/** A stop that names its answer may be asked for again: it ends that one or nothing. */
const STOP_ATTEMPTS = 3;
const LOAD_ATTEMPTS = 10;

/**
 * Makes what a page needs for its chats, over a route of `createChatHandlers`. Answers go on where their connection stopped,
 * and two are never joined. One that ended while the page was away is loaded. `stop` reaches the model; a page that is left
 * stops nothing.
 *
 * @param options - the route, and how it is asked.
 * @example
 * const client = createChatClient<UIMessage>();
 * const transport = new DefaultChatTransport<UIMessage>(client.transport);
 *
 * function Chat({ id, stored }: { id: string; stored: UIMessage[] }) {
 *   const chat = client.attach(useChat({ id, messages: stored, resume: true, transport }));
 *   return view(chat, () => client.stop(id));
 * }
 */
export function createChatClient<Message extends PageMessage = PageMessage>(
  options: ChatClientOptions = {},
): ChatClient<Message> {
  const { api = "/api/chat", headers, credentials, fetch: ask = systemPlatform().fetch } = options;
  /** The answers that are read here, by their chat's id, and by its URL. */
  const readings = new Map<string, Reading<Message>>();
  const readingsAt = new Map<string, Reading<Message>>();

  const readingOf = (chatId: string): Reading<Message> => {
    const query = `${api.includes("?") ? "&" : "?"}id=${encodeURIComponent(chatId)}`;
    const known = readings.get(chatId) ?? new Reading<Message>(chatId, api + query);
    readings.set(chatId, known);
    readingsAt.set(known.url, known);
    return known;
  };
  const ownInit = async (): Promise<RequestInit> => ({
    headers: (await (typeof headers === "function" ? headers() : headers)) ?? {},
    ...pastCache(),
    ...(credentials && { credentials }),
  });
  const request = async (url: string, init: RequestInit, maxAttempts: number): Promise<Response> => {
    const own = async (): Promise<Response> => {
      const response = await ask(url, { ...(await ownInit()), ...init });
      // Read here: a body that breaks off is an attempt that failed.
      return new Response((await response.text()) || null, response);
    };
    const response = await firstAnswer(systemPlatform(), { ask: own, maxAttempts, signal: undefined });
    if (!response.ok) throw new Error(`The chat gave no answer: status ${response.status}.`);
    return response;
  };

  const load = async (chatId: string): Promise<Message[]> => {
    const response = await request(`${readingOf(chatId).url}&messages`, {}, LOAD_ATTEMPTS);
    return (await response.json()) as Message[];
  };

  /**
   * Takes the chat as the server has it, and behind it what was asked here since `seen`, which the server may not have had by
   * then.
   */
  const catchUp = async (
    reading: Reading<Message>,
    { sends, ids }: Seen = reading.seen(),
  ): Promise<(() => void) | undefined> => {
    if (!reading.shown) return undefined;
    const stored = await load(reading.chatId);
    return () =>
      reading.shown?.setMessages((now) => {
        const isSame = reading.sends === sends;
        const at = now.findIndex(({ id, role }) => role === "user" && !ids.has(id));
        const there = stored.findIndex(({ id }) => id === now[at]?.id);
        // If it is stored, and nothing was sent from here, it came with an earlier load.
        if (at < 0 || (there >= 0 && isSame)) return isSame ? stored : now;
        return [...(there < 0 ? stored : stored.slice(0, there)), ...now.slice(at)];
      });
  };

  const read = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const reading = typeof input === "string" ? readingsAt.get(input) : undefined;
    if (!reading) return ask(input, init);
    const isQuestion = init.method === "POST";
    const seen = reading.seen();
    if (isQuestion) {
      reading.sends += 1;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, STOP_WAIT_MS);
        const goOn = (): void => {
          clearTimeout(timer);
          resolve();
        };
        init.signal?.addEventListener("abort", goOn);
        if (init.signal?.aborted) goOn();
        void reading.stopping.then(goOn);
      });
      if (init.signal?.aborted) throw reasonOf(init.signal);
    }
    const { maxAttempts = Infinity, stallTimeoutMs } = options;
    /** The answer that the page has a part of is over, and another one may run. */
    let isOther = false;
    const resumed: ResumableFetchInit = {
      ...init,
      maxAttempts,
      ...(stallTimeoutMs !== undefined && { stallTimeoutMs }),
      resumeUrl: reading.url,
      // Fresh ones: a token may have run out since the question.
      headers: async () => ({
        ...Object.fromEntries(new Headers(init.headers)),
        ...Object.fromEntries(new Headers((await ownInit()).headers)),
      }),
      fetch: async (...args) => {
        const response = await ask(...args);
        isOther = response.headers.get("stream-status") === "superseded";
        return response;
      },
    };
    const response = await reading.follow(init.signal ?? undefined, isQuestion, (signal) =>
      resumableFetch(input, { ...resumed, signal }),
    );
    if (reading.lacks(response)) (await catchUp(reading, seen))?.();
    if (response.status !== 200 || !response.body) return response;
    const missed = async (error: unknown): Promise<(() => void) | undefined> => {
      const isMissed = error instanceof ResumableFetchError && error.code === "MISSED_END";
      return isMissed || isOther ? catchUp(reading) : undefined;
    };
    return new Response(reading.body(response.body, missed), response);
  };

  const stop = async (chatId: string): Promise<boolean> => {
    const reading = readingOf(chatId);
    const stopping = (async () => {
      // A question that is on its way has an answer to stop as soon as the server says so.
      const mark = await reading.answer;
      const named = mark ? `${reading.url}&generation=${mark}` : reading.url;
      const { status } = await request(
        named,
        { method: "DELETE", keepalive: true },
        mark ? STOP_ATTEMPTS : 0,
      );
      return status === 200;
    })();
    reading.stopping = stopping.then(
      () => undefined,
      () => undefined,
    );
    void reading.shown?.stop?.();
    return stopping;
  };

  return {
    transport: {
      api,
      fetch: read,
      ...(headers !== undefined && { headers }),
      ...(credentials !== undefined && { credentials }),
      prepareSendMessagesRequest: ({ id, messages, body, trigger }) => ({
        api: readingOf(id).url,
        // The last one of the user's only: the server has the others.
        body: { ...body, trigger, message: messages.filter(({ role }) => role === "user").pop() },
      }),
      prepareReconnectToStreamRequest: ({ id }) => ({ api: readingOf(id).url }),
    },
    attach: <Chat extends ShownChat<Message>>(chat: Chat): Chat => {
      // Not while a server renders: it has no page, and many users.
      if (globalThis.document) readingOf(chat.id).shown = chat;
      return chat;
    },
    stop,
    load,
  };
}
