// Every block of the documents that serves a stream, as a program: with what its reader has already, on a port of its own.

import { createChatClient } from "../../src/ai-sdk-client.ts";
import { resumableFetch } from "../../src/client.ts";
import { blocksOf, readDocuments } from "../docs/markdown.ts";
import { readBlocks } from "../readme/blocks.ts";

export interface SampleProgram {
  name: string;
  code: string;
  /** As the page beside it asks for a new answer. */
  ask: (url: string) => Promise<Response>;
  /** Where that answer is resumed, and stopped. */
  placeOf: (response: Response, url: string) => URL;
  /** What a connection carries before it is cut, at least. @defaultValue 900: the first byte of a body comes after some 600 of headers */
  cutAfterBytes?: number;
}

/** What the README's route imports as its model. */
export const readmeModel = `import { makeLines } from "../../samples/answer.js";
export const answer = (_prompt: string, signal: AbortSignal) => makeLines((line) => \`\${line}\\n\`, signal);
`;

/** Serves the functions of a route as a framework would that takes them as they stand. */
const mounted = `
import { createServer } from "node:http";
import { toNodeHandler } from "resumable-stream/http";
const handlers = { GET, POST, DELETE };
const params = Promise.resolve({ id: "1" });
createServer(
  toNodeHandler(
    (request) => handlers[request.method]?.(request, { params }) ?? new Response(null, { status: 405 }),
    { onError: () => undefined },
  ),
).listen(3000, "127.0.0.1");
`;

/** As the README's page asks: the answer says where the rest is. */
const ofReadme: Pick<SampleProgram, "ask" | "placeOf"> = {
  ask: (url) =>
    resumableFetch(`${url}/api/answer`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: "Go on." }),
    }),
  placeOf: (response, url) => new URL(response.headers.get("content-location") ?? "", url),
};

/** What the route of docs/http.md leans on: the chat's other route. Each server has its own chat 1. */
const chat = `
import { createResumableStreamContext } from "resumable-stream";
import { createResumeHandlers, streamResponse } from "resumable-stream/http";
import { answer } from "./events.js";
const context = createResumableStreamContext({ waitUntil: null, keyPrefix: \`sample-\${process.env["PORT"]}\` });
const mayRead = () => true;
const POST = async () => streamResponse(await context.createNewResumableStream("1", ({ signal }) => answer(signal)));
`;

/** As docs/client.md asks with the AI SDK. */
const ofChat: Pick<SampleProgram, "ask" | "placeOf"> = {
  ask: (url) =>
    resumableFetch(`${url}/api/chat/1`, { method: "POST", resumeUrl: `${url}/api/chat/1/stream` }),
  placeOf: (_response, url) => new URL("/api/chat/1/stream", url),
};

/** What the recipe's reader has: a login, and chats in some store. */
const recipe = `
import { createResumableStreamContext } from "resumable-stream";
import { createResumeHandlers, streamResponse } from "resumable-stream/http";
import { makeLines } from "../../samples/answer.js";
interface Message { id: string; role: string; text: string; end?: string }
const answer = (_messages: Message[], signal: AbortSignal) => makeLines((line) => \`\${line}\\n\`, signal);
const chats = new Map<string, Message[]>();
const load = async (chatId: string) => chats.get(chatId) ?? [];
const save = async (chatId: string, messages: Message[]) => void chats.set(chatId, messages);
const userOf = async (_request: Request) => "ada";
const ownerOf = (_chatId: string) => "ada";
`;

/** As the README's page asks, with `?id=` in its URL. */
const ofRecipe: Pick<SampleProgram, "ask" | "placeOf"> = {
  ask: (url) =>
    resumableFetch(`${url}/api/answer?id=${crypto.randomUUID()}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: "q", text: "Go on." }),
    }),
  placeOf: (response, url) => new URL(new URL(response.url).search, `${url}/api/answer`),
};

/** What the route of docs/ai-sdk.md leans on. The AI SDK's part is played by what has its shape. */
const ofSdk = `
import { createResumableStreamContext } from "resumable-stream";
import { makeLines } from "../../samples/answer.js";
interface UIMessage { id: string; role: string; parts: { type: string; text?: string }[] }
const context = createResumableStreamContext({ waitUntil: null });
const model = "lines";
const convertToModelMessages = async (messages: UIMessage[]) => messages;
const streamText = ({ abortSignal }: { model: string; messages: UIMessage[]; abortSignal: AbortSignal }) => ({
  toUIMessageStream: () => {
    const before = ["start", "text-start"];
    const delta = new TransformStream<string, { type: string; id?: string; delta?: string }>({
      start(controller) {
        for (const type of before) controller.enqueue({ type, ...(type !== "start" && { id: "t" }) });
      },
      transform: (line, controller) => controller.enqueue({ type: "text-delta", id: "t", delta: line }),
    });
    return makeLines((line) => \`\${line}\\n\`, abortSignal).pipeThrough(delta);
  },
});
const userOf = async (_request: Request) => "ada";
const ownerOf = (_chatId: string) => "ada";
const chats = new Map<string, UIMessage[]>();
const db = {
  messagesOf: (chatId: string) => chats.get(chatId) ?? [],
  setMessages: (chatId: string, messages: UIMessage[]) => void chats.set(chatId, messages),
};
`;

/** Where answers of a chat are. */
const chatsOf = new WeakMap<Response, string>();

/** As useChat asks by the transport of docs/ai-sdk.md's page. */
const ofPage: Pick<SampleProgram, "ask" | "placeOf" | "cutAfterBytes"> = {
  ask: async (url) => {
    const { transport } = createChatClient({ api: `${url}/api/chat` });
    const question = { id: "q", role: "user" as const, parts: [{ type: "text", text: "Go on." }] };
    const { api, body } = transport.prepareSendMessagesRequest({
      id: crypto.randomUUID(),
      messages: [question],
      body: {},
      trigger: "submit-message",
    });
    const headers = { "content-type": "application/json" };
    const response = await transport.fetch(api, { method: "POST", headers, body: JSON.stringify(body) });
    chatsOf.set(response, new URL(api).search);
    return response;
  },
  placeOf: (response, url) => new URL(`/api/chat${chatsOf.get(response)}`, url),
  // All that came between two connections is one event: it has to come through.
  cutAfterBytes: 6_000,
};

export async function samplePrograms(): Promise<SampleProgram[]> {
  const documents = await readDocuments();
  const inDocument = (path: string) =>
    documents.filter((document) => document.path === path).flatMap((document) => blocksOf(document));
  const readme = (await readBlocks()).filter(({ language, code }) => language === "ts" && serves(code));
  const guide = inDocument("docs/README.md").filter(({ code }) => code.includes('"./answer.js"'));
  const http = inDocument("docs/http.md").filter(({ code }) => serves(code));
  const [chatRecipe] = inDocument("docs/recipes.md").filter(({ code }) => serves(code));
  const [sdkRoute] = inDocument("docs/ai-sdk.md").filter(({ code }) => code.includes("createChatHandlers("));
  return [
    ...readme.map(({ code }) => ({
      ...ofReadme,
      name: "README.md",
      code: code + mounted,
    })),
    ...guide.map(({ name, code }) => ({ ...ofReadme, name: `docs/README.md: ${name}`, code })),
    ...http.map(({ name, code }) => ({
      ...ofChat,
      name: `docs/http.md: ${name}`,
      code: chat + code + mounted,
    })),
    {
      ...ofRecipe,
      name: `docs/recipes.md: ${chatRecipe?.name}`,
      code: recipe + chatRecipe?.code + mounted,
    },
    { ...ofPage, name: `docs/ai-sdk.md: ${sdkRoute?.name}`, code: ofSdk + sdkRoute?.code + mounted },
  ].map((program) => ({ ...program, code: program.code.replace("3000", 'Number(process.env["PORT"])') }));
}

function serves(code: string): boolean {
  return code.includes("createResumeHandlers");
}
