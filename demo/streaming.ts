// Started by the page's front: POST /stream?id= starts a stream, GET resumes it, DELETE stops it. All of it is this file.

import { createServer } from "node:http";
import { createResumeHandlers, streamResponse, toNodeHandler } from "resumable-stream/http";
import { openContext } from "./contexts.ts";
import type { Report } from "./process.ts";
import { type Store, storesOf } from "./stores.ts";
import { timedSource } from "./text.ts";

let statements = 0;
const routes = new Map<string, (request: Request) => Promise<Response>>();
for (const store of storesOf(process.env)) routes.set(store, await createRoute(store));
const publishedUrl = process.env["PUBLISHED_REDIS_URL"];
if (publishedUrl) {
  const { createPublishedRoute } = await import("./published.ts");
  routes.set("published", await createPublishedRoute(publishedUrl));
}

async function createRoute(store: Store): Promise<(request: Request) => Promise<Response>> {
  const context = await openContext(store, () => (statements += 1));
  const idOf = (request: Request): string => new URL(request.url).searchParams.get("id") ?? "";
  const resume = createResumeHandlers(context, { streamId: idOf, authorize: () => true });

  return async (request) => {
    if (request.method === "DELETE") return resume.DELETE(request);
    if (request.method === "GET") return resume.GET(request);
    const id = idOf(request);
    // Told before the stream has it: what a reader shows can be held against what was said.
    const onWord = (word: string): void => report({ said: { id, word } });
    const stream = await context.createNewResumableStream(id, ({ signal }) =>
      timedSource({ signal, onWord }),
    );
    return stream ? streamResponse(stream) : new Response(null, { status: 204 });
  };
}

async function handle(request: Request): Promise<Response> {
  const route = routes.get(new URL(request.url).searchParams.get("store") ?? "");
  return route ? route(request) : new Response("There is no such store.\n", { status: 404 });
}

function report(message: Report): void {
  process.send?.(message);
}

const server = createServer(toNodeHandler(handle, { onError: () => undefined }));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  report({ port: typeof address === "object" && address ? address.port : 0 });
});
// The front shows what streams cost; a process that is killed has told before.
let told = 0;
setInterval(() => {
  if (statements > told) report({ statements });
  told = statements;
}, 100);
process.on("disconnect", () => process.exit());
