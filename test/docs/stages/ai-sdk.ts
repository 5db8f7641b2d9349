// Stages of docs/ai-sdk.md: the AI SDK's part is played by what has its shape, since it is no dependency.

import type { Stage } from "./stage.ts";

const sdk = `
import { createResumableStreamContext } from "resumable-stream/memory";
interface UIMessage { id: string; role: string; parts: { type: string; text?: string }[] }
const model = "words";
const convertToModelMessages = async (messages: UIMessage[]) => messages;
const safeValidateUIMessages = async ({ messages }: { messages: UIMessage[] }) => ({
  success: messages.every(({ parts }) => parts.every(({ text }) => text !== undefined)),
});
const words = ["Text ", "outlives ", "its ", "connection."];
function streamText({ abortSignal }: { model: string; messages: UIMessage[]; abortSignal: AbortSignal }) {
  const deltas = words.map((delta) => ({ type: "text-delta", id: "t", delta }));
  const chunks = [{ type: "start" }, { type: "text-start", id: "t" }, ...deltas, { type: "text-end", id: "t" }];
  const toUIMessageStream = () =>
    new ReadableStream<{ type: string }>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        const chunk = chunks.shift();
        if (chunk && !abortSignal.aborted) controller.enqueue(chunk);
        else controller.close();
      },
    });
  return { toUIMessageStream };
}
const question = { id: "q1", role: "user", parts: [{ type: "text", text: "Hello" }] };
const textOf = (message?: UIMessage) => message?.parts.map(({ text }) => text).join("");
`;

const page = `
interface UIMessage { id: string; role: "user" | "assistant"; parts: { type: string }[] }
const requests: string[] = [];
globalThis.fetch = async (input, init) => {
  requests.push(\`\${init?.method ?? "GET"} \${String(input)}\`);
  return new Response(null, { status: 204 });
};
interface Options { prepareReconnectToStreamRequest: (request: { id: string }) => { api: string } }
class DefaultChatTransport {
  options: Options;
  constructor(options: Options) {
    this.options = options;
  }
}
interface Chat { id: string; messages: UIMessage[]; resume: boolean; transport: DefaultChatTransport }
const useChat = ({ id, messages }: Chat) => ({
  id,
  messages,
  setMessages: (_change: (messages: UIMessage[]) => UIMessage[]) => undefined,
  resumeStream: () => Promise.resolve(),
  stop: () => Promise.resolve(),
});
const view = (chat: { id: string }, stop: () => Promise<boolean>) => ({ id: chat.id, stop });
`;

export const aiSdk: Record<string, Stage> = {
  "docs/ai-sdk.md: The route, block 1": {
    before: `${sdk}
const context = createResumableStreamContext({ waitUntil: null });
const userOf = async (request: Request) => request.headers.get("user");
const ownerOf = (_chatId: string) => "ada";
const chats = new Map<string, UIMessage[]>();
const db = {
  messagesOf: (chatId: string) => chats.get(chatId) ?? [],
  setMessages: (chatId: string, messages: UIMessage[]) => void chats.set(chatId, messages),
};
`,
    after: `
const headers = { user: "ada", "content-type": "application/json" };
const url = "http://localhost/api/chat?id=1";
const body = JSON.stringify({ message: question });
const ask = (user: string) => POST(new Request(url, { method: "POST", headers: { ...headers, user }, body }));
console.log((await ask("eve")).status);
const response = await ask("ada");
const resumed = await GET(new Request(url, { headers }));
console.log(response.status, (await response.text()) === (await resumed.text()));
console.log(chats.get("1")?.map(textOf), (await GET(new Request(url, { headers }))).status);
console.log((await DELETE(new Request(url, { method: "DELETE", headers }))).status);
`,
    prints: "403\n200 true\n[ 'Hello', 'Text outlives its connection.' ] 204\n204\n",
  },
  "docs/ai-sdk.md: The route, block 2": {
    before: sdk,
    after: `
const other = { ...question, parts: [{ type: "text" }] };
console.log(await validate(question), await validate(other));
`,
    prints: "true false\n",
  },
  "docs/ai-sdk.md: The route, block 3": {
    before: `
import { finishOfStop } from "resumable-stream/ai-sdk";
`,
    after: `
console.log(finishOfStop(stopFinish)("stopped").trim());
`,
    prints: 'data: {"type":"finish","finishReason":"other","messageMetadata":{"stopped":true}}\n',
  },
  "docs/ai-sdk.md: The page, block 1": {
    before: page,
    after: `
console.log(await Chat({ id: "a/b", stored: [] }).stop(), requests);
console.log(transport.options.prepareReconnectToStreamRequest({ id: "1" }));
`,
    prints: "false [ 'DELETE /api/chat?id=a%2Fb' ]\n{ api: '/api/chat?id=1' }\n",
  },
  "docs/ai-sdk.md: The pieces, block 1": {
    before: `${sdk}
const saved = new Map<string, UIMessage>();
`,
    after: `
const response = await ask("chat-1", [question]);
console.log(response.headers.get("x-vercel-ai-ui-message-stream"), (await response.text()).includes("outlives"));
console.log(textOf(saved.get("chat-1")));
`,
    prints: "v1 true\nText outlives its connection.\n",
  },
};
