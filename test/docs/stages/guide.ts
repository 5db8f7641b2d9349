// Stages of docs/README.md.

import { answer, running, type Stage } from "./stage.ts";

export const guide: Record<string, Stage> = {
  "docs/README.md: Handlers, block 1": {
    before: `${answer}
function makeAnswer(_id: string, _signal: AbortSignal): ReadableStream<string> {
  return makeStream();
}
`,
    after: `
const request = new Request("http://localhost/answer/chat?offset=5", { method: "POST" });
const params = Promise.resolve({ id: "next-" + crypto.randomUUID() });
const first = await POST(request, { params });
const second = await GET(new Request(request.url), { params });
console.log((await first.text()) === whole, (await second.text()) === whole.slice(5));
console.log((await GET(new Request(request.url), { params })).status);
console.log((await GET(new Request("http://localhost/?offset=-1"), { params })).status);
console.log((await GET(new Request(request.url), { params: Promise.resolve({ id: crypto.randomUUID() }) })).status);
await context.close();
`,
    prints: "true true\n204\n400\n404\n",
  },
  "docs/README.md: Handlers, block 2": {
    // As Hono's context, as far as the block uses it.
    before: `${running}
interface HonoContext {
  req: { query(name: string): string | undefined; param(name: string): string };
  body(data: ReadableStream | null, status: number, headers?: Record<string, string>): Response;
}
const headers = { "content-type": "text/event-stream; charset=utf-8" };
let handler: (c: HonoContext) => Promise<Response> = () => Promise.reject(new Error("There is no route."));
const app = { get: (_path: string, handle: typeof handler) => void (handler = handle) };
const get = (id: string) =>
  handler({
    req: { query: () => "5", param: () => id },
    body: (data, status, added) => new Response(data, { status, ...(added && { headers: added }) }),
  });
`,
    after: `
console.log((await (await get("chat-1")).text()) === whole.slice(5));
console.log((await get("chat-1")).status, (await get("chat-2")).status);
`,
    prints: "true\n204 404\n",
  },
  "docs/README.md: Handlers, block 3": {
    // As Express' request and response, over Node's own server.
    before: `${running}
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
interface ExpressRequest {
  params: { id: string };
  query: { offset?: string };
}
type ExpressResponse = ServerResponse & {
  status(code: number): ExpressResponse;
  set(headers: Record<string, string>): ExpressResponse;
};
type Handler = (req: ExpressRequest, res: ExpressResponse, next: (error: unknown) => void) => Promise<unknown>;
const headers = { "content-type": "text/event-stream; charset=utf-8" };
const app = {
  get(_path: string, handle: Handler) {
    const server = createServer((req, outgoing) => {
      const url = new URL(req.url ?? "/", "http://localhost");
      const offset = url.searchParams.get("offset");
      const res: ExpressResponse = Object.assign(outgoing, {
        status: (code: number) => Object.assign(res, { statusCode: code }),
        set: (all: Record<string, string>) => res.setHeaders(new Map(Object.entries(all))),
      });
      const request = { params: { id: url.pathname.slice(1) }, query: offset === null ? {} : { offset } };
      void handle(request, res, () => res.writeHead(500).end());
    });
    this.server = server.listen(0);
  },
  server: createServer(),
};
`,
    after: `
await once(app.server, "listening");
const { port } = app.server.address() as AddressInfo;
const get = (path: string) => fetch(\`http://localhost:\${port}/\${path}\`);
console.log((await (await get("chat-1?offset=5")).text()) === whole.slice(5));
console.log((await get("chat-1")).status, (await get("chat-2")).status, (await get("chat-1?offset=x")).status);
app.server.close();
app.server.closeAllConnections();
`,
    prints: "true\n204 404 500\n",
  },
  "docs/README.md: Resuming at an offset, block 1": {
    before: 'const response = new Response("Text 🙂 outlives");\n',
    after: "console.log(text.length);\n",
    prints: "16\n",
  },
  "docs/README.md: Metrics, block 1": {
    before: `
import { createResumableStreamContext } from "resumable-stream/memory";
const count = (name: string) => ({ inc: (labels?: object) => console.log(name, labels ?? "") });
const lostStreams = count("lost");
const errors = count("errors");
`,
    after: `
const source = new TransformStream<string, string>();
await context.createNewResumableStream("chat-1", () => source.readable);
console.log(running.size);
await context.createNewResumableStream("chat-1", () => new ReadableStream({ start: (c) => c.close() }));
await source.writable.close();
`,
    prints: "1\nerrors { code: 'FENCED' }\n",
  },
};
