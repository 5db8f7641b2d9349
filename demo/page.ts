// The page and, before the processes that stream, a front that gives each request to one of them: none is sticky.

import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { createServer, type IncomingMessage, request as forward, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fleet } from "./fleet.ts";
import { startMeter } from "./meter.ts";
import { renderPage, renderScript } from "./render.ts";
import { type Status, storesOf, traits } from "./stores.ts";
import { setUpTables } from "./tables.ts";
import { ANSWER_LENGTH } from "./text.ts";

const redisUrl = process.env["REDIS_URL"];
const stores = storesOf(process.env);
const page = await renderPage(stores);
const script = await renderScript();
const names = stores.map((store) => traits[store].name).join(" or ");
const hasServer = stores.some((store) => traits[store].counted);
const folder = await mkdtemp(join(tmpdir(), "resumable-stream-demo-"));
await setUpTables(process.env["POSTGRES_URL"]);
const redis = redisUrl ? await startMeter(redisUrl) : undefined;
const published = redisUrl ? await startMeter(redisUrl) : undefined;
// Without a server a stream lives in one process, and its folder belongs to one.
const fleet = await Fleet.start(hasServer ? 2 : 1, {
  ...process.env,
  DEMO_FOLDER: join(folder, "pglite"),
  ...(redis && published && { REDIS_URL: redis.url, PUBLISHED_REDIS_URL: published.url }),
});

/** SQL statements before an answer began. What two answers cost that run at once isn't told apart. */
const before = new Map<string, number>();
/** Open responses of each device, to be cut. */
const connections = new Map<string, Set<ServerResponse>>();

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
    void fleet.close().finally(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit();
    });
  });
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? "/", "http://localhost");
  const { pathname, searchParams } = url;
  if (pathname === "/") return send(outgoing, "text/html; charset=utf-8", page);
  if (pathname === "/page.js") return send(outgoing, "text/javascript; charset=utf-8", script);
  if (pathname === "/stream") return passOn({ incoming, outgoing, url });
  if (pathname === "/status")
    return send(outgoing, "application/json", JSON.stringify(statusOf(searchParams)));
  if (incoming.method === "POST" && pathname === "/drop") {
    for (const response of connections.get(searchParams.get("device") ?? "") ?? []) response.destroy();
    return send(outgoing, "text/plain", "");
  }
  if (incoming.method === "POST" && pathname === "/kill") {
    await fleet.kill(Number(searchParams.get("server")));
    return send(outgoing, "text/plain", "");
  }
  outgoing.writeHead(404).end();
}

/** `lengths` are of texts that are shown somewhere: the source's hash at each is what theirs should be. */
function statusOf(search: URLSearchParams): Status {
  const id = search.get("id") ?? "";
  const said = fleet.saidIn(id);
  const lengths = (search.get("lengths") ?? "").split(",").map(Number);
  return {
    servers: fleet.servers.map((each) => ({
      pid: each.process?.pid,
      produces: fleet.producerOf(id) === each,
    })),
    said: said.length,
    total: ANSWER_LENGTH,
    hashes: lengths.map((length) =>
      length <= said.length ? createHash("sha256").update(said.slice(0, length)).digest("hex") : undefined,
    ),
    cost: {
      redis: redis?.commandsFor(id) ?? 0,
      postgres: fleet.statements - (before.get(id) ?? 0),
      published: published?.commandsFor(id) ?? 0,
    },
  };
}

interface Exchange {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  url: URL;
}

function passOn({ incoming, outgoing, url }: Exchange): void {
  const device = url.searchParams.get("device") ?? "";
  const id = url.searchParams.get("id") ?? "";
  const isBeside = url.searchParams.get("store") === "published";
  // The published library's reader is on the same cable: a kill strikes both.
  const place = isBeside ? fleet.placeOf(device) : fleet.nextFor(device);
  const target = place?.process;
  if (!place || !target) return void outgoing.writeHead(503).end();
  if (incoming.method === "POST" && !isBeside) {
    before.set(id, fleet.statements);
    redis?.count(id);
    published?.count(id);
    fleet.produces(id, place);
  }
  const open = connections.get(device) ?? new Set();
  connections.set(device, open.add(outgoing));
  const { headers, method } = incoming;
  const asked = forward({ port: target.port, path: incoming.url, method, headers }, (response) => {
    outgoing.writeHead(response.statusCode ?? 502, { ...response.headers, "demo-server": place.index });
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
