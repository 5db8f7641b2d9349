// Stages of docs/http.md and docs/client.md.

import { running, type Stage } from "./stage.ts";

/** Serves the running stream, also to addresses without a host, as a page has them. */
const served = `${running}
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createResumeHandlers, toNodeHandler } from "resumable-stream/http";
import { resumableFetch } from "resumable-stream/client";
const { GET } = createResumeHandlers(context, { streamId: () => "chat-1", authorize: () => true });
const server = createServer(toNodeHandler(GET)).listen(0);
await once(server, "listening");
const origin = \`http://localhost:\${(server.address() as AddressInfo).port}\`;
const { fetch: fetchOfNode } = globalThis;
globalThis.fetch = (input, init) =>
  fetchOfNode(typeof input === "string" ? new URL(input, origin) : input, init);
Object.assign(globalThis, { location: { href: origin } });
`;

export const http: Record<string, Stage> = {
  "docs/http.md: Next.js, block 1": {
    before: `${running}
import { createResumeHandlers } from "resumable-stream/http";
const mayRead = async (_request: Request, streamId: string | null) => streamId === "chat-1";
`,
    after: `
const request = new Request("http://localhost/?resumeAt=13");
const response = await GET(request, { params: Promise.resolve({ id: "chat-1" }) });
console.log(response.headers.get("x-vercel-ai-ui-message-stream"), (await response.text()).includes("Text"));
console.log((await GET(request, { params: Promise.resolve({ id: "2" }) })).status);
`,
    prints: "v1 false\n403\n",
  },
  "docs/http.md: Fewer and larger events: `compact`, block 1": {
    before: `
import { type Compactor, streamResponse } from "resumable-stream/http";
import { createResumableStreamContext } from "resumable-stream/memory";
const context = createResumableStreamContext({ waitUntil: null });
const { readable, writable } = new TransformStream<string, string>();
const original = await context.createNewResumableStream("chat-1", () => readable);
const writer = writable.getWriter();
void writer.write("data: one\\n\\ndata: two\\n\\n");
// Until it is there for all.
await original!.getReader().read();
const stream = await context.resumeExistingStream("chat-1");
`,
    after: `
await writer.close();
console.log((await response.text()).includes("\\n\\ndata: one\\ndata: two\\nid: 22"));
`,
    prints: "true\n",
  },
  "docs/http.md: Node, block 1": {
    before: `
import { type AddressInfo } from "node:net";
import { createServer as createNodeServer, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
import { toNodeHandler } from "resumable-stream/http";
const handler = (request: Request) => new Response(new URL(request.url).pathname);
let server: Server;
// On any free port.
const createServer = (listener: RequestListener) => ({
  listen: (_port: number) => void (server = createNodeServer(listener).listen(0)),
});
`,
    after: `
await once(server!, "listening");
console.log(await (await fetch(\`http://localhost:\${(server!.address() as AddressInfo).port}/path\`)).text());
server!.close();
`,
    prints: "/path\n",
  },
  "docs/client.md: Client, block 1": {
    before: `${served}
let shown = "";
const show = (text: string) => void (shown += text);
`,
    after: `
console.log(shown.includes("data: connection."));
server.close();
`,
    prints: "true\n",
  },
  "docs/client.md: Old text and new, block 1": {
    before: `${served}
let shown = "";
let live = "";
const show = (text: string, isLive: boolean) => {
  shown += text;
  if (isLive) live += text;
};
`,
    after: `
console.log(shown.includes("data: connection."), live.includes("data: connection."));
server.close();
`,
    prints: "true true\n",
  },
  "docs/client.md: With the AI SDK, block 1": {
    before: `${served}
const chatId = "1";
let fetchOfChat: typeof fetch = fetch;
class DefaultChatTransport {
  constructor(options: { fetch: typeof fetch }) {
    fetchOfChat = options.fetch;
  }
}
`,
    after: `
const response = await fetchOfChat(\`\${origin}/api/chat/1/stream\`);
console.log((await response.text()).includes("data: connection."));
server.close();
`,
    prints: "true\n",
  },
};
