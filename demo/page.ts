// The page and, before the processes that stream, a front that gives each request to the next of them: none is sticky.

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request as forward, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { countCommands } from "./commands.ts";
import { startProcess, type StreamProcess } from "./process.ts";

const page = await readFile(new URL("page.html", import.meta.url));
const script = await bundle(fileURLToPath(new URL("browser.ts", import.meta.url)));
const backend = process.env["REDIS_URL"] ? "Redis" : "memory";
// Over memory a stream lives in one process. A log, such as Postgres, gets a second one here, and keeps its text when
// the first is killed.
const processes = await Promise.all(Array.from({ length: backend === "Redis" ? 2 : 1 }, startProcess));
const commands = await countCommands(process.env["REDIS_URL"]);

/** Which process produces a stream. */
const producers = new Map<string, StreamProcess>();
/** Open responses of each reader, to be cut. */
const connections = new Map<string, Set<ServerResponse>>();
let turn = 0;

const server = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch(() => outgoing.destroy());
});
server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  process.stdout.write(`\n  resumable-stream over ${backend}: open http://127.0.0.1:${port}/\n`);
  process.stdout.write("  Ctrl+C ends it.\n\n");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const { kill } of processes) kill();
    process.exit();
  });
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? "/", "http://localhost");
  const id = url.searchParams.get("id") ?? "";
  if (url.pathname === "/") return send(outgoing, "text/html; charset=utf-8", page);
  if (url.pathname === "/page.js") return send(outgoing, "text/javascript; charset=utf-8", script);
  if (url.pathname === "/stream") return passOn({ incoming, outgoing, url });
  if (url.pathname === "/status") {
    return send(outgoing, "application/json", JSON.stringify({ backend, commands: await commands() }));
  }
  if (incoming.method === "POST" && url.pathname === "/drop") {
    for (const response of connections.get(url.searchParams.get("reader") ?? "") ?? []) response.destroy();
    return send(outgoing, "text/plain", "");
  }
  if (incoming.method === "POST" && url.pathname === "/kill") {
    await killProducer(id);
    return send(outgoing, "text/plain", "");
  }
  outgoing.writeHead(404).end();
}

/** SIGKILL: it can't say goodbye. Another takes its place. */
async function killProducer(id: string): Promise<void> {
  const producer = producers.get(id);
  const index = producer ? processes.indexOf(producer) : -1;
  if (!producer || index < 0) return;
  producer.kill();
  processes[index] = await startProcess();
}

interface Exchange {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  url: URL;
}

function passOn({ incoming, outgoing, url }: Exchange): void {
  const target = processes[turn++ % processes.length];
  if (!target) return void outgoing.writeHead(503).end();
  if (incoming.method === "POST") producers.set(url.searchParams.get("id") ?? "", target);
  const reader = url.searchParams.get("reader") ?? "";
  const open = connections.get(reader) ?? new Set();
  connections.set(reader, open.add(outgoing));
  const { headers, method } = incoming;
  const asked = forward({ port: target.port, path: incoming.url, method, headers }, (response) => {
    outgoing.writeHead(response.statusCode ?? 502, {
      ...response.headers,
      "demo-process": target.pid,
      "demo-produces": String(producers.get(url.searchParams.get("id") ?? "") === target),
    });
    outgoing.flushHeaders();
    response.pipe(outgoing);
    response.on("error", () => outgoing.destroy());
  });
  // A process that was killed answers nobody: the reader asks again.
  asked.on("error", () => outgoing.destroy());
  outgoing.on("close", () => {
    open.delete(outgoing);
    asked.destroy();
  });
  incoming.pipe(asked);
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false });
  return outputFiles[0]?.text ?? "";
}

function send(outgoing: ServerResponse, type: string, body: string | Buffer): void {
  outgoing.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
}
