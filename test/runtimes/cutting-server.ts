// Streams over HTTP that end in every way there is, behind connections that break. The path says which: /SCENARIO/ID.

import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createResumeHandlers, toNodeHandler } from "../../src/http.ts";
import { createDeferred, type Deferred } from "../../src/lib/deferred.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";

const PIECES = 100;
/** How many of a scenario's connections are cut. */
const CUTS: Record<string, number> = { "cut-events": 8, "cut-text": 8, missed: 1, refused: 1 };
/** Between two pieces. A client waits at least 250 ms after a cut. */
const PAUSE_MS = 40;

export interface CuttingServer extends AsyncDisposable {
  origin: string;
}

export async function startCuttingServer(): Promise<CuttingServer> {
  const context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  const server = createServer();
  serve(server, context);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await context.close();
    },
  };
}

function serve(server: Server, context: ResumableStreamContext): void {
  /** How often a path was asked for, and what its source waits for before it ends. */
  const requests = new Map<string, number>();
  const uncut = new Map<string, Deferred<void>>();
  const idOf = (request: Request): string => new URL(request.url).pathname;
  const handlersOf = (format: "events" | "text") =>
    createResumeHandlers(context, { streamId: idOf, authorize: () => true, format });
  const handlers = { events: handlersOf("events"), text: handlersOf("text") };

  server.on("request", (incoming, outgoing) => {
    const [path = ""] = (incoming.url ?? "/").split("?");
    const scenario = path.split("/")[1] ?? "";
    const number = requests.get(path) ?? 0;
    requests.set(path, number + 1);
    const isCut = number < (CUTS[scenario] ?? 0);
    if (number === 0) uncut.set(path, createDeferred<void>());
    if (!isCut) uncut.get(path)?.resolve();
    const cut = (): void => void outgoing.socket?.destroy();
    const handler = toNodeHandler(
      async (request) => {
        if (number === 0 && scenario !== "absent") {
          await produce(context, { scenario, id: path, mayEnd: uncut.get(path)?.promise });
        }
        if (number > 0 && scenario === "refused") return new Response("no\n", { status: 403 });
        return handlers[scenario === "cut-text" ? "text" : "events"].GET(request);
      },
      { onError: () => undefined },
    );
    void handler(incoming, outgoing);
    // After some pieces, and before the next.
    if (isCut) void sleep(PAUSE_MS * 3.5).then(cut);
  });
}

interface Production {
  scenario: string;
  id: string;
  /** Resolves once no further connection is cut. */
  mayEnd: Promise<void> | undefined;
}

async function produce(context: ResumableStreamContext, production: Production): Promise<void> {
  const { id, scenario } = production;
  const stream = await context.createNewResumableStream(id, ({ signal }) => sourceOf(production, signal));
  await stream?.cancel();
  if (scenario === "stopped") void sleep(PAUSE_MS * 4).then(() => context.stopStream(id));
  if (scenario === "lost") {
    void sleep(PAUSE_MS * 4).then(() => context.createNewResumableStream(id, () => new ReadableStream()));
  }
}

/** `missed` ends while its reader waits to come back; `failed` errors after a few pieces. */
function sourceOf({ scenario, mayEnd }: Production, signal: AbortSignal): ReadableStream<string> {
  const pieces = scenario === "missed" ? 5 : PIECES;
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (scenario === "failed" && next === 4) throw new Error("The model is away.");
      if (next === pieces - 1 && scenario.startsWith("cut-")) await mayEnd;
      if (next === pieces) controller.close();
      else controller.enqueue(`data: ${next++} 🌊\n\n`);
    },
  });
}
