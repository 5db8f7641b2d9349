// Stages of docs/recipes.md.

import { running, type Stage } from "./stage.ts";

const memory = `
import { createResumableStreamContext } from "resumable-stream/memory";
`;

/** What the page calls `answer`: the text word by word, until its signal aborts. */
const model = `
import { setTimeout as sleep } from "node:timers/promises";
const prompt = "Hello";
const whole = "Text outlives its connection.";
function answer(_prompt: string, signal: AbortSignal): ReadableStream<string> {
  const pieces = whole.match(/\\S+\\s?/g) ?? [];
  return new ReadableStream({
    async pull(controller) {
      await sleep(20, undefined, { signal });
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}
async function textOf(stream: ReadableStream<string> | null | undefined): Promise<string> {
  let read = "";
  for await (const piece of stream ?? []) read += piece;
  return read;
}
`;

const created = `${memory}${model}
const context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
`;

/** Runs each test where it is called, and says how it went. */
const runner = `
import { isDeepStrictEqual } from "node:util";
const runs: Promise<void>[] = [];
function test(name: string, run: () => Promise<void>): void {
  runs.push(run().then(() => console.log("passed:", name)));
}
function check(isTrue: boolean): void {
  if (!isTrue) throw new Error("An expectation failed.");
}
function expect(value: unknown) {
  const toMatchObject = async (part: Record<string, unknown>): Promise<void> => {
    const reason: unknown = await (value as Promise<unknown>).then(() => ({}), (error: unknown) => error);
    check(Object.entries(part).every(([name, one]) => isDeepStrictEqual((reason as typeof part)[name], one)));
  };
  return { toBe: (other: unknown) => check(Object.is(value, other)), rejects: { toMatchObject } };
}
`;

const page = "docs/recipes.md";

export const recipes: Record<string, Stage> = {
  [`${page}: Do answers survive a deploy?, block 1`]: {
    before: `${created}
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { streamResponse, toNodeHandler } from "resumable-stream/http";
const server = createServer(
  toNodeHandler(async () => {
    const stream = await context.createNewResumableStream("chat-1", ({ signal }) => answer(prompt, signal));
    return streamResponse(stream, { format: "text" });
  }),
).listen(0);
await once(server, "listening");
`,
    after: `
const response = await fetch(\`http://localhost:\${(server.address() as AddressInfo).port}\`);
process.kill(process.pid, "SIGTERM");
console.log(await response.text());
await context.close({ drainMs: 60_000 });
console.log(await context.hasExistingStream("chat-1").catch((error: { code: string }) => error.code), server.listening);
`,
    prints: "Text outlives its connection.\nCLOSED false\n",
  },
  [`${page}: How do I save the finished answer, once?, block 1`]: {
    before: `${memory}${model}
import type { EndedStream } from "resumable-stream";
const saves: object[] = [];
async function save({ generation: _mark, ...answer }: Pick<EndedStream, "streamId" | "generation" | "end" | "text">): Promise<void> {
  await sleep(30);
  saves.push(answer);
}
`,
    after: `
// One reader leaves, another is told the end after the save.
const stream = await context.createNewResumableStream("chat-1", ({ signal }) => answer(prompt, signal));
const follower = await context.resumeExistingStream("chat-1");
await stream?.cancel();
console.log((await textOf(follower)) === whole, JSON.stringify(saves));
`,
    prints: 'true [{"streamId":"chat-1","end":"done","text":"Text outlives its connection."}]\n',
  },
  [`${page}: How do I build a chat without the AI SDK?, block 1`]: {
    before: `${memory}${model.replace("_prompt: string", "_messages: Message[]")}
import { createResumeHandlers, streamResponse } from "resumable-stream/http";
interface Message { id: string | undefined; role: string; text: string; end?: string }
const chats = new Map<string, Message[]>();
const load = async (chatId: string) => chats.get(chatId) ?? [];
const save = async (chatId: string, messages: Message[]) => void chats.set(chatId, messages);
const userOf = async (request: Request) => request.headers.get("user");
const ownerOf = (_chatId: string) => "ada";
`,
    after: `
const url = "http://localhost/chat?id=1";
const headers = { user: "ada", "content-type": "application/json" };
const ask1 = (id: string, user = "ada") =>
  POST(new Request(url, {
    method: "POST",
    headers: { ...headers, user },
    body: JSON.stringify({ id, text: prompt }),
  }));
console.log((await ask1("q", "eve")).status, (await GET(new Request(url, { headers }))).status);
const first = await ask1("q1");
const again = await GET(new Request(url, { headers }));
console.log((await again.text()) === whole, (await first.text()) === whole, (await GET(new Request(url, { headers }))).status);
await ask1("q2");
await sleep(30);
console.log((await DELETE(new Request(url, { method: "DELETE", headers }))).status);
await (await ask1("q3")).text();
console.log(chats.get("1")?.map(({ role, text, end }) => end ?? (text === prompt ? role : "?")).join(" "));
`,
    prints: "403 204\ntrue true 204\n200\nuser done user stopped user done\n",
  },
  [`${page}: How do I test my app with it?, block 1`]: {
    before: `${model}${runner}`,
    after: `
await Promise.all(runs);
const context = createResumableStreamContext(options);
const other = createResumableStreamContext(options);
await context.createNewResumableStream("chat-3", () => new ReadableStream());
await context.close();
console.log(await other.resumeExistingStream("chat-3"));
`,
    prints:
      "passed: a reader is told that its producer is lost\npassed: a reload gets the whole answer\nundefined\n",
  },
  [`${page}: Does it run on Vercel, Lambda, Edge, Workers and Bun?, block 1`]: {
    before: `${memory}${model}
const newId = () => crypto.randomUUID();
const write = (piece: string) => void process.stdout.write(piece);
`,
    after: `
await handler(prompt);
console.log("", settling.length);
`,
    prints: "Text outlives its connection. 0\n",
  },
  [`${page}: How do I monitor it?, block 1`]: {
    before: `${memory}${model}
import type { ResumableStreamError, StreamEvent } from "resumable-stream";
const counter = (name: string) => ({
  add: (value: number, attributes?: Record<string, string>) =>
    console.log(name.replace("resumable_stream.", ""), value, ...Object.values(attributes ?? {})),
});
const meter = { createCounter: counter, createUpDownCounter: counter };
`,
    after: `
await textOf(await context.createNewResumableStream("chat-1", ({ signal }) => answer(prompt, signal)));
const failing = await context.createNewResumableStream(
  "chat-2",
  () => new ReadableStream({ pull: () => sleep(20).then(() => Promise.reject(new Error("The model is away."))) }),
);
await failing?.cancel();
`,
    prints: [
      "running 1",
      "events 1 producing",
      "running -1",
      "events 1 ended producer done",
      "running 1",
      "events 1 producing",
      "errors 1 SOURCE_FAILED",
      "running -1",
      "events 1 ended producer failed\n",
    ].join("\n"),
  },
  [`${page}: Why does an answer hang behind Vite's proxy?, block 1`]: {
    before: `
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { createServer as createVite, defineConfig, mergeConfig } from "vite";
`,
    // Not by Node's fetch: after `connection: close`, as the proxy says, that takes what broke off for whole.
    after: `
const server = createServer((request, response) => {
  response.write("some ");
  setTimeout(() => (request.url === "/api/whole" ? response.end("text") : response.destroy()), 50);
}).listen(0, "127.0.0.1");
await once(server, "listening");
const target = \`http://127.0.0.1:\${(server.address() as AddressInfo).port}\`;
const own = { server: { port: 0, host: "127.0.0.1", proxy: { "/api": { target } } } };
const vite = await createVite(mergeConfig(config, { ...own, configFile: false, logLevel: "silent" }));
await vite.listen();
const url = \`http://127.0.0.1:\${(vite.httpServer?.address() as AddressInfo).port}/api\`;
for (const path of ["/whole", "/broken"]) {
  const [answer] = (await once(get(url + path), "response")) as [IncomingMessage];
  console.log(await textOf(answer).catch((error: Error) => error.message));
}
process.exit();
`,
    prints: "some text\naborted\n",
  },
  [`${page}: How large may a text be?, block 1`]: {
    before: `${memory}${model}`,
    after: `
console.log(await textOf(stream));
const strict = createResumableStreamContext({ waitUntil: null, maxBytes: 10, onError: () => undefined });
const short = await strict.createNewResumableStream("chat-2", ({ signal }) => answer(prompt, signal));
console.log(await textOf(short).catch((error: { code: string }) => error.code));
`,
    prints: "Text outlives its connection.\nTEXT_TOO_LONG\n",
  },
  [`${page}: Which of my chats are being answered now?, block 1`]: {
    before: running,
    after: `
console.log(await answering(["chat-0", "chat-1"]));
`,
    prints: "[ 'chat-1' ]\n",
  },
};
