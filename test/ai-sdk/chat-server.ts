// A chat's server over our handlers and one version of the AI SDK, as the documents show it.

import { createChatHandlers } from "../../src/ai-sdk.ts";
import type { ResumableStreamContext } from "../../src/memory.ts";
import type { Message } from "./chats.ts";
import { type Call, modelOf } from "./model.ts";
import type { ServerSdk, SdkMajor } from "./sdks.ts";

type Answer = (request: Request) => Response | undefined | Promise<Response | undefined>;

/** What all processes of the chat share, and what happened there. */
export interface ChatStore {
  messages: Map<string, Message[]>;
  /** One for each call of the model. */
  calls: Call[];
  /** How often streamText called `onAbort`. */
  aborts: number;
  /** Answers in place of the chat's, each once. */
  answers: Answer[];
}

export function createStore(): ChatStore {
  return { messages: new Map(), calls: [], aborts: 0, answers: [] };
}

interface ChatParts {
  context: ResumableStreamContext;
  sdk: ServerSdk;
  major: SdkMajor;
  store: ChatStore;
  page: { html: string; script: string };
}

export function chatHandler({
  context,
  sdk,
  major,
  store,
  page,
}: ChatParts): (request: Request) => Promise<Response> {
  const handlers = createChatHandlers<Message>(context, {
    authorize: () => true,
    load: (chatId) => store.messages.get(chatId) ?? [],
    save: (chatId, messages) => void store.messages.set(chatId, messages),
    answer: async ({ messages, signal }) => {
      const result = sdk.streamText({
        model: modelOf(major, { calls: store.calls, words: 3_000, wordMs: 40 }),
        messages: await sdk.convertToModelMessages(messages),
        abortSignal: signal,
        onAbort: () => void (store.aborts += 1),
      });
      return major === 7 && sdk.toUIMessageStream
        ? sdk.toUIMessageStream({ stream: result.stream })
        : result.toUIMessageStream({});
    },
    stopFinish: { ...(major !== 7 && { finishReason: "other" }), messageMetadata: { stopped: true } },
  });
  const pages: Record<string, Response> = {
    "/": new Response(page.html, { headers: { "content-type": "text/html" } }),
    "/page.js": new Response(page.script, { headers: { "content-type": "text/javascript" } }),
  };
  return async (request) => {
    const own = pages[new URL(request.url).pathname];
    if (own) return own.clone();
    const first = store.answers[0];
    const instead = await first?.(request);
    if (instead) {
      store.answers.splice(store.answers.indexOf(first as Answer), 1);
      return instead;
    }
    const { method } = request;
    return method === "GET" || method === "POST" || method === "DELETE"
      ? handlers[method](request)
      : new Response(null, { status: 405 });
  };
}
