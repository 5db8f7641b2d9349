// Chats kept in memory, for handlers that tests call: what was saved, and answers that a test writes by hand.

import { createChatHandlers, type ChatHandlersOptions, type SavedChat } from "../../src/ai-sdk.ts";
import type { DurableStreamContext, ResumableStreamContext } from "../../src/api/types.ts";
import { until } from "../support/wait.ts";

export interface Message {
  id: string;
  role: "user" | "assistant";
  parts: { type: string; text?: string }[];
  metadata?: unknown;
}

export interface Saving extends SavedChat<Message> {
  chatId: string;
  messages: Message[];
}

export const question = (id: string, text = "Hello"): Message => ({
  id,
  role: "user",
  parts: [{ type: "text", text }],
});

/** An answer that a test writes chunk by chunk. */
export interface Answering {
  chatId: string;
  messages: Message[];
  body: Record<string, unknown>;
  signal: AbortSignal;
  say: (text: string) => void;
  push: (chunk: { type: string }) => void;
  end: () => void;
  fail: (error: Error) => void;
}

export interface Chats {
  /** By chat, as `save` left them. */
  stored: Map<string, Message[]>;
  /** Each call of `save`. */
  saved: Saving[];
  answers: Answering[];
  POST: (message: unknown, more?: PostOptions) => Promise<Response>;
  GET: (search?: string, chatId?: string) => Promise<Response>;
  DELETE: (search?: string, chatId?: string) => Promise<Response>;
  /** Those of one server more, over the same chats. */
  over: (context: Context) => Chats;
}

type Context = ResumableStreamContext | DurableStreamContext;

export interface PostOptions {
  chatId?: string;
  body?: object;
  type?: string;
}

type Options = Partial<ChatHandlersOptions<Message>>;

export function createChats(context: Context, options: Options = {}, shared?: Chats): Chats {
  const stored = shared?.stored ?? new Map<string, Message[]>();
  const saved = shared?.saved ?? [];
  const answers = shared?.answers ?? [];
  const handlers = createChatHandlers<Message>(context, {
    authorize: () => true,
    load: (chatId) => structuredClone(stored.get(chatId) ?? []),
    save: (chatId, messages, about) => {
      stored.set(chatId, structuredClone(messages));
      saved.push({ chatId, messages, ...about });
    },
    answer: (asked) => {
      let controller!: ReadableStreamDefaultController<{ type: string }>;
      const stream = new ReadableStream<{ type: string }>({ start: (own) => void (controller = own) });
      const push = (chunk: { type: string }): void => controller.enqueue(chunk);
      push({ type: "start" });
      push({ type: "text-start", id: "t" } as { type: string });
      const say = (delta: string): void => push({ type: "text-delta", id: "t", delta } as { type: string });
      answers.push({
        ...asked,
        push,
        say,
        end: () => {
          push({ type: "text-end", id: "t" } as { type: string });
          controller.close();
        },
        fail: (error) => controller.error(error),
      });
      return stream;
    },
    ...options,
  });
  const url = (chatId: string, search = ""): string =>
    `http://localhost/api/chat?${new URLSearchParams({ id: chatId }).toString()}${search}`;
  const chats: Chats = {
    stored,
    saved,
    answers,
    POST: (message, { chatId = "chat", body = {}, type = "application/json" } = {}) =>
      handlers.POST(
        new Request(url(chatId), {
          method: "POST",
          body: JSON.stringify({ ...body, message }),
          headers: { "content-type": type },
        }),
      ),
    GET: (search, chatId = "chat") => handlers.GET(new Request(url(chatId, search))),
    DELETE: (search, chatId = "chat") =>
      handlers.DELETE(new Request(url(chatId, search), { method: "DELETE" })),
    over: (other) => createChats(other, options, chats),
  };
  return chats;
}

/** The text that a message says. */
export function textOf(message: Message | undefined): string | undefined {
  return message?.parts.map(({ text = "" }) => text).join("");
}

/** The answers that were saved, without the questions. */
export function savedAnswers(chats: Chats): Saving[] {
  return chats.saved.filter(({ end }) => end !== undefined);
}

/** Waits for the number of answers. */
export async function untilSaved(chats: Chats, count = 1): Promise<Saving[]> {
  return until(() => savedAnswers(chats).length >= count && savedAnswers(chats), {
    what: `${count} saved answers`,
  });
}

/** Waits for the model to be asked. */
export async function untilAsked(chats: Chats, count = 1): Promise<Answering> {
  return until(() => chats.answers[count - 1], { what: `call ${count} of the model` });
}

/** Reads a response until it has a text in it; gives what reads the rest. */
export async function untilRead(
  response: Response,
  wanted: string,
): Promise<{ toEnd: () => Promise<string>; leave: () => Promise<void> }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) throw new Error(`The response has no body: ${response.status}`);
  let text = "";
  const readUntil = async (isEnough: () => boolean): Promise<string> => {
    while (!isEnough()) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
    }
    return text;
  };
  await readUntil(() => text.includes(wanted));
  return { toEnd: () => readUntil(() => false), leave: () => reader.cancel() };
}
