// Every block of the documents that serves a stream, as a program: with what its reader has already, on a port of its own.

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

export async function samplePrograms(): Promise<SampleProgram[]> {
  const documents = await readDocuments();
  const inDocument = (path: string) =>
    documents.filter((document) => document.path === path).flatMap((document) => blocksOf(document));
  const readme = (await readBlocks()).filter(({ language, code }) => language === "ts" && serves(code));
  const guide = inDocument("docs/README.md").filter(({ code }) => code.includes('"./answer.js"'));
  const http = inDocument("docs/http.md").filter(({ code }) => serves(code));
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
  ].map((program) => ({ ...program, code: program.code.replace("3000", 'Number(process.env["PORT"])') }));
}

function serves(code: string): boolean {
  return code.includes("createResumeHandlers");
}
