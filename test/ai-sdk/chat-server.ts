// A chat's server over our package and one version of the AI SDK. Its model says numbered words until it is aborted.

import { setTimeout as pass } from "node:timers/promises";
import { createResumeHandlers, streamResponse } from "../../src/http.ts";
import { createDeferred } from "../../src/lib/deferred.ts";
import type { ResumableStreamContext } from "../../src/memory.ts";
import type { ServerSdk, SdkMajor } from "./sdks.ts";

const headers = { "x-vercel-ai-ui-message-stream": "v1" };

interface Message {
  id: string;
  role: string;
  parts: unknown[];
}

/** What all processes of the chat share, and what happened there. */
export interface ChatStore {
  messages: Map<string, Message[]>;
  active: Map<string, string>;
  /** One for each call of the model. */
  calls: { aborted: Promise<unknown> }[];
  /** How often streamText called `onAbort`. */
  aborts: number;
  /** Answers in place of the chat's, each once. */
  answers: ((request: Request) => Response | undefined)[];
}

export function createStore(): ChatStore {
  return { messages: new Map(), active: new Map(), calls: [], aborts: 0, answers: [] };
}

interface ChatParts {
  context: ResumableStreamContext;
  sdk: ServerSdk;
  major: SdkMajor;
  store: ChatStore;
  page: { html: string; script: string };
}

export function chatHandler(parts: ChatParts): (request: Request) => Promise<Response> {
  const { context, major, store, page } = parts;
  const handlers = createResumeHandlers<[stream: string | undefined]>(context, {
    streamId: (_request, stream) => stream,
    authorize: () => true,
    headers,
    atEnd: (end) => (end === "stopped" ? finishOf(major) : ""),
  });
  return async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const instead = pathname.startsWith("/api/") && store.answers[0]?.(request);
    if (instead) {
      store.answers.shift();
      return instead;
    }
    if (pathname === "/") return new Response(page.html, { headers: { "content-type": "text/html" } });
    if (pathname === "/page.js") {
      return new Response(page.script, { headers: { "content-type": "text/javascript" } });
    }
    if (request.method === "POST") return post(parts, request);
    const [, , , chatId = "", what] = pathname.split("/").map(decodeURIComponent);
    if (what !== "stream") return Response.json(store.messages.get(chatId) ?? []);
    const asked = searchParams.get("stream") ?? store.active.get(chatId);
    const isItsOwn = asked?.startsWith(`${chatId}:`);
    const handler = request.method === "DELETE" ? handlers.DELETE : handlers.GET;
    const response = await handler(request, isItsOwn ? asked : undefined);
    if (asked) response.headers.set("stream-id", encodeURIComponent(asked));
    return response;
  };
}

/** A finish that every version's schema takes; only 7 knows the reason by which it sends nothing of itself. */
function finishOf(major: SdkMajor): string {
  const finishReason = major === 7 ? "interrupted" : "other";
  return `data: ${JSON.stringify({ type: "finish", finishReason, messageMetadata: { stopped: true } })}\n\n`;
}

async function post({ context, sdk, major, store }: ChatParts, request: Request): Promise<Response> {
  const { id, message } = (await request.json()) as { id: string; message: Message };
  const messages = [...(store.messages.get(id) ?? []), message];
  store.messages.set(id, messages);
  const streamId = `${id}:${crypto.randomUUID()}`;
  store.active.set(id, streamId);
  const stream = await context.createNewResumableStream(streamId, async ({ signal }) => {
    const result = sdk.streamText({
      model: modelOf(major, store),
      messages: await sdk.convertToModelMessages(messages.filter(({ parts }) => parts.length > 0)),
      abortSignal: signal,
      onAbort: () => void (store.aborts += 1),
    });
    const keep = (end: { messages: Message[] }): void => {
      if (store.active.get(id) !== streamId) return;
      store.messages.set(id, end.messages);
      store.active.delete(id);
    };
    const options = { originalMessages: messages, generateMessageId: () => crypto.randomUUID() };
    const chunks =
      major === 7 && sdk.toUIMessageStream
        ? sdk.toUIMessageStream({ stream: result.stream, ...options, onEnd: keep })
        : result.toUIMessageStream({ ...options, onFinish: keep });
    return chunks.pipeThrough(new sdk.JsonToSseTransformStream());
  });
  if (!stream) return new Response(null, { status: 204 });
  return streamResponse(stream, {
    headers: { ...headers, "stream-id": encodeURIComponent(streamId) },
    atEnd: (end) => (end === "stopped" ? finishOf(major) : ""),
  });
}

function modelOf(major: SdkMajor, store: ChatStore): object {
  const none = { total: 1, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
  const finish =
    major === 5
      ? { finishReason: "stop", usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } }
      : {
          finishReason: { unified: "stop", raw: undefined },
          usage: { inputTokens: none, outputTokens: { total: 1, text: 1, reasoning: undefined } },
        };
  return {
    specificationVersion: { 5: "v2", 6: "v3", 7: "v4" }[major],
    provider: "test",
    modelId: "words",
    supportedUrls: {},
    doStream: ({ prompt, abortSignal }: { prompt: unknown[]; abortSignal: AbortSignal }) => {
      const number = store.calls.length + 1;
      const { promise: aborted, resolve } = createDeferred<unknown>();
      abortSignal.addEventListener("abort", () => resolve(abortSignal.reason));
      store.calls.push({ aborted });
      const isShort = JSON.stringify(prompt.at(-1)).includes("short");
      const parts = partsOf({ number, words: isShort ? 30 : 3_000, signal: abortSignal });
      const stream = new ReadableStream({
        async pull(controller) {
          const { done, value } = await parts.next();
          if (!done) return controller.enqueue(value);
          controller.enqueue({ type: "finish", ...finish });
          controller.close();
        },
      });
      return Promise.resolve({ stream });
    },
  };
}

async function* partsOf({
  number,
  words,
  signal,
}: {
  number: number;
  words: number;
  signal: AbortSignal;
}): AsyncGenerator<object, void> {
  yield { type: "stream-start", warnings: [] };
  yield { type: "text-start", id: "text" };
  for (let word = 1; word <= words; word += 1) {
    await pass(40, undefined, { signal });
    yield { type: "text-delta", id: "text", delta: `${number}:${word} ` };
  }
  yield { type: "text-end", id: "text" };
}
