// Started by the page's front: POST /stream?id= starts a stream, GET resumes it, DELETE stops it. All of it is this file.

import { createServer } from "node:http";
import { createResumeHandlers, streamResponse, toNodeHandler } from "resumable-stream/http";
import { timedSource } from "./text.ts";

const { createResumableStreamContext } = await (process.env["REDIS_URL"]
  ? import("resumable-stream")
  : import("resumable-stream/memory"));
const context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
const idOf = (request: Request): string => new URL(request.url).searchParams.get("id") ?? "";
const resume = createResumeHandlers(context, { streamId: idOf, authorize: () => true });

async function handle(request: Request): Promise<Response> {
  if (request.method === "DELETE") return resume.DELETE(request);
  if (request.method === "GET") return resume.GET(request);
  const stream = await context.createNewResumableStream(idOf(request), ({ signal }) =>
    timedSource({ wordDelayMs: 60, signal }),
  );
  return stream ? streamResponse(stream) : new Response(null, { status: 204 });
}

const server = createServer(toNodeHandler(handle, { onError: () => undefined }));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" && address ? address.port : 0 });
});
process.on("disconnect", () => process.exit());
