// The files of a chat app: the lines of the documents, and around them only what their reader has already.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { transform } from "esbuild";
import { type Block, blocksOf, root } from "../../docs/markdown.ts";

export type StoreName = "redis" | "postgres";

export interface AppSources {
  /** Modules of a server's process, by their names. `server.js` is the one to start. */
  server: Record<string, string>;
  /** The page's module, for a bundler. */
  page: string;
}

export async function readSources(store: StoreName): Promise<AppSources> {
  const [context, route, server, signal, page] = await Promise.all([
    contextOf(store),
    blockOf("docs/ai-sdk.md", "The route"),
    blockOf("docs/README.md", "Handlers", "const answer = toNodeHandler("),
    blockOf("docs/api/resumable-stream.md", "Example", "context.close({ drainMs"),
    blockOf("docs/ai-sdk.md", "The page"),
  ]);
  // The guide's server has another route, a port of its own, and no name.
  const renamed = server
    .replaceAll("./answer.js", "./route.js")
    .replaceAll("/api/answer", "/api/chat")
    .replace("createServer(answer)", "const server = createServer(answer)")
    .replace("3000", 'Number(process.env["PORT"])');
  return {
    server: {
      "context.js": await withoutTypes(context.replace("const context", "export const context")),
      "route.js": await withoutTypes(beforeRoute + route),
      "server.js": await withoutTypes(beforeServer + renamed + signal + afterServer),
    },
    page: await withoutTypes(beforePage + page + afterPage),
  };
}

async function contextOf(store: StoreName): Promise<string> {
  if (store === "postgres") {
    const block = await blockOf("docs/transports/postgres.md", "From nothing to a resumed stream");
    return block.slice(0, block.indexOf("const stream"));
  }
  const block = await blockOf("README.md", "Quick start", "createNewResumableStream");
  const lines = block
    .split("\n")
    .filter((line) => /^(import|const) .*createResumableStreamContext/.test(line));
  // As the guide says for a server that just runs.
  return lines.join("\n").replace("waitUntil: after", "waitUntil: null");
}

async function blockOf(path: string, heading: string, part = ""): Promise<string> {
  const blocks = blocksOf({ path, text: await readFile(join(root, path), "utf8") });
  const isWanted = ({ name, language, code }: Block): boolean =>
    name.startsWith(`${heading}, block`) && language === "ts" && code.includes(part);
  const block = blocks.find(isWanted);
  if (!block) throw new Error(`${path} has no block of "${heading}" with "${part}".`);
  return block.code;
}

async function withoutTypes(code: string): Promise<string> {
  return (await transform(code, { loader: "ts" })).code;
}

/**
 * A login, a store that all processes share, and a model that notes each word it says. It says as many as the question asks
 * for, or goes on until a test has told it to end.
 */
const beforeRoute = `
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { convertToModelMessages, streamText } from "ai";
import { context } from "./context.js";

const userOf = async (_request) => "ada";
const ownerOf = (_chatId) => "ada";

const { SAVES = "", CALLS = "", TOLD = "" } = process.env;
const savesOf = () => (existsSync(SAVES) ? readFileSync(SAVES, "utf8").split("\\n").filter(Boolean) : []);
const db = {
  messagesOf: (chatId) =>
    savesOf().map((line) => JSON.parse(line)).findLast((save) => save.chatId === chatId)?.messages ?? [],
  // One write, which a kill can't cut in two.
  setMessages: (chatId, messages) => appendFileSync(SAVES, JSON.stringify({ chatId, messages }) + "\\n"),
};

let calls = 0;
const note = (line) => appendFileSync(CALLS, JSON.stringify(line) + "\\n");
async function* wordsOf(question, signal) {
  const call = process.pid * 1000 + ++calls;
  const words = Number(/(\\d+) words/.exec(question)?.[1] ?? Infinity);
  const isTold = () => existsSync(TOLD) && readFileSync(TOLD, "utf8").includes(question + "\\n");
  note({ call, pid: process.pid, question });
  signal?.addEventListener("abort", () => note({ call, end: "aborted" }));
  yield { type: "stream-start", warnings: [] };
  yield { type: "text-start", id: "text" };
  for (let word = 1; word <= words && !isTold(); word += 1) {
    await sleep(20, undefined, { signal });
    note({ call, said: word });
    yield { type: "text-delta", id: "text", delta: call + ":" + word + " " };
  }
  yield { type: "text-end", id: "text" };
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  yield { type: "finish", finishReason: { unified: "stop", raw: undefined }, usage };
  note({ call, end: "whole" });
}
const model = {
  specificationVersion: "v4",
  provider: "test",
  modelId: "words",
  supportedUrls: {},
  doStream: async ({ prompt, abortSignal }) => ({
    stream: ReadableStream.from(wordsOf(prompt.at(-1).content[0].text, abortSignal)),
  }),
};
`;

const beforeServer = `
import { context } from "./context.js";
`;

const afterServer = `
server.once("listening", () => process.send("listening"));
`;

const beforePage = `
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, type UIMessage } from "ai";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
const errors: unknown[] = [];
function view(chat, stop) {
  if (chat.error && !errors.includes(chat.error)) errors.push(chat.error);
  const texts = chat.messages.map(({ parts }) => parts.map(({ text = "" }) => text).join(""));
  const told = errors.map(({ code, message }) => code ?? message);
  globalThis.chat = { ...chat, texts, finishes: [], errors: told, stop };
  return createElement("output", null, chat.status);
}
`;

const afterPage = `
const id = new URLSearchParams(location.search).get("id");
createRoot(document.body).render(createElement(Chat, { id, stored: await client.load(id) }));
`;
