// The page and, before the processes that stream, a front that gives each request to the next of them: none is sticky.

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { createServer, type IncomingMessage, request as forward, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countCommands, setUpTables } from "./servers.ts";
import { renderPage, renderScript } from "./render.ts";
import { startProcess, type StreamProcess } from "./process.ts";
import { storesOf, traits } from "./stores.ts";

const stores = storesOf(process.env);
const page = await renderPage(stores);
const script = await renderScript();
const names = stores.map((store) => traits[store].name).join(" or ");
const hasServer = stores.some((store) => traits[store].counted);
const folder = await mkdtemp(join(tmpdir(), "resumable-stream-demo-"));
const env = { ...process.env, DEMO_FOLDER: join(folder, "pglite") };
await setUpTables(process.env["POSTGRES_URL"]);
// Without a server a stream lives in one process, and its folder belongs to one.
const processes = await Promise.all(Array.from({ length: hasServer ? 2 : 1 }, () => startProcess(env)));
const commands = await countCommands(process.env["REDIS_URL"]);

/** SQL statements of processes that were killed. */
let pastStatements = 0;
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
  process.stdout.write(`\n  resumable-stream over ${names}: open http://127.0.0.1:${port}/\n`);
  process.stdout.write("  Ctrl+C ends it.\n\n");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void Promise.all(processes.map(({ kill }) => kill())).finally(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit();
    });
  });
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? "/", "http://localhost");
  const id = url.searchParams.get("id") ?? "";
  if (url.pathname === "/") return send(outgoing, "text/html; charset=utf-8", page);
  if (url.pathname === "/page.js") return send(outgoing, "text/javascript; charset=utf-8", script);
  if (url.pathname === "/stream") return passOn({ incoming, outgoing, url });
  if (url.pathname === "/status") {
    const status = { redis: await commands(), postgres: statementsSoFar() };
    return send(outgoing, "application/json", JSON.stringify(status));
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

/** Another process takes the place of the one that is killed. */
async function killProducer(id: string): Promise<void> {
  const producer = producers.get(id);
  const index = producer ? processes.indexOf(producer) : -1;
  if (!producer || index < 0) return;
  producers.delete(id);
  await producer.kill();
  pastStatements += producer.statements();
  processes[index] = await startProcess(env);
}

function statementsSoFar(): number {
  return processes.reduce((sum, { statements }) => sum + statements(), pastStatements);
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

function send(outgoing: ServerResponse, type: string, body: string): void {
  outgoing.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
}
