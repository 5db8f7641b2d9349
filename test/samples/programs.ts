// The server samples of README and docs, each as a program: what its reader has already goes before it, a server after it.

import { blocksOf, readDocuments } from "../docs/markdown.ts";

export interface SampleProgram {
  /** As test/docs names blocks. */
  name: string;
  code: string;
  /** How its client asks. `chat`: who asks, and of which chat. */
  ask: Conversation;
}

export interface Conversation {
  /** Where a new answer is asked for, with which body. */
  post: { path: string; json?: unknown };
  /** Where it is resumed and stopped; absent if the answer itself names it. */
  path?: string;
}

interface Stage {
  before: string;
  after: string;
  ask: Conversation;
}

const lines = `
import { makeLines } from "../../samples/answer.ts";
const makeAnswer = (_chat: string, signal?: AbortSignal) => makeLines((line) => \`data: \${line}\\n\\n\`, signal);
const mayUse = async (_request: unknown, _chat: string) => true;
`;

const overRedis = `${lines}
import { createResumableStreamContext } from "resumable-stream";
const context = createResumableStreamContext({ waitUntil: null });
`;

/** Serves handlers of Request and Response, by the method's name. */
function serve(call: string): string {
  return `
import { createServer as createServerOfNode } from "node:http";
import { toNodeHandler as bridge } from "resumable-stream/http";
createServerOfNode(
  bridge(async (request) => {
    const { pathname } = new URL(request.url);
    const id = decodeURIComponent(pathname.split("/")[2] ?? "");
    if (pathname === "/up") return new Response();
    ${call}
  }, { onError: () => undefined }),
).listen(Number(process.env["PORT"]), "127.0.0.1");
`;
}

const chat = "/chats/one%2Fchat%3F%20%23/answer";
const ask: Conversation = { post: { path: chat }, path: chat };

const stages: Record<string, Stage> = {
  "README.md: Quick start, block 1": {
    before: "",
    after: serve(`
    const handlers: Record<string, (request: Request) => Promise<Response>> = { GET, POST, DELETE };
    return handlers[request.method]?.(request) ?? new Response(null, { status: 405 });`),
    ask: { post: { path: "/api/answer", json: { prompt: "Go on." } } },
  },
  "docs/README.md: Handlers, block 1": {
    before: lines,
    after: serve(`
    const handlers: Record<string, (request: Request, route: Route) => Promise<Response>> = { GET, POST, DELETE };
    const params = Promise.resolve({ id });
    return handlers[request.method]?.(request, { params }) ?? new Response(null, { status: 405 });`),
    ask,
  },
  "docs/README.md: Handlers, block 2": {
    before: `${overRedis}
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createResumeHandlers, streamResponse } from "resumable-stream/http";
const app = new Hono();
app.get("/up", (c) => c.body(null, 204));
`,
    after: `
serve({ fetch: app.fetch, port: Number(process.env["PORT"]), hostname: "127.0.0.1" });
`,
    ask,
  },
};

/** Of every block that serves a stream. */
export async function samplePrograms(): Promise<SampleProgram[]> {
  const documents = await readDocuments();
  const servers = documents
    .filter(({ path }) => !path.startsWith("docs/api/"))
    .flatMap((document) =>
      blocksOf(document).map((block) => ({ ...block, name: `${document.path}: ${block.name}` })),
    )
    .filter(({ language, code }) => language === "ts" && isServer(code));
  const missing = servers.filter(({ name }) => !(name in stages)).map(({ name }) => name);
  if (missing.length > 0)
    throw new Error(`These samples are servers, and have no stage: ${missing.join("; ")}.`);
  return servers.map(({ name, code }) => {
    const stage = stages[name];
    if (!stage) throw new Error(`There is no stage for ${name}.`);
    return { name, code: `${stage.before}${code}${stage.after}`, ask: stage.ask };
  });
}

/** Whether a block answers requests for a stream. */
function isServer(code: string): boolean {
  return (
    /\b(createResumeHandlers|resumeExistingStream)\b/.test(code) && /\b(GET|get|Response|res)\b/.test(code)
  );
}
