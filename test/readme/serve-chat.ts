// Run in a process of its own, with a block of handlers, a page and its script: what a framework and a bundler do with them.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { toNodeHandler } from "../../src/http.ts";

type Handlers = Record<string, (request: Request) => Promise<Response>>;

const [file = "", page = "", script = ""] = process.argv.slice(2);
const handlers = (await import(pathToFileURL(file).href)) as Handlers;

const html = (text: string, type: string) => new Response(text, { headers: { "content-type": type } });

const server = createServer(
  toNodeHandler(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return html(page, "text/html; charset=utf-8");
    if (pathname === "/page.js") return html(script, "text/javascript");
    const handler = pathname === "/api/answer" ? handlers[request.method] : undefined;
    return handler ? handler(request) : new Response(null, { status: 404 });
  }),
);
server.listen(0, "127.0.0.1", () => {
  console.log((server.address() as AddressInfo).port);
});
