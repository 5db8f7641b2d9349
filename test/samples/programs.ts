// The README's server, as a program: what its reader has already goes before it, a server after it.

import { readBlocks } from "../readme/blocks.ts";

export interface SampleProgram {
  name: string;
  code: string;
  /** How the page beside it asks: where, and with which body. */
  ask: { path: string; json: unknown };
}

const server = `
import { createServer } from "node:http";
import { toNodeHandler } from "resumable-stream/http";
const handlers: Record<string, (request: Request) => Promise<Response>> = { GET, POST, DELETE };
const none = () => Promise.resolve(new Response(null, { status: 405 }));
createServer(
  toNodeHandler(
    (request) => (new URL(request.url).pathname === "/up" ? new Response() : (handlers[request.method] ?? none)(request)),
    { onError: () => undefined },
  ),
).listen(Number(process.env["PORT"]), "127.0.0.1");
`;

/** Of every block of the README that serves a stream. */
export async function samplePrograms(): Promise<SampleProgram[]> {
  const blocks = await readBlocks();
  return blocks
    .filter(({ language, code }) => language === "ts" && code.includes("createResumeHandlers"))
    .map(({ name, code }) => ({
      name,
      code: code + server,
      ask: { path: "/api/answer", json: { prompt: "Go on." } },
    }));
}
