// A child process that serves one text to many readers over Node's http: by this library, and by hand, which is the floor.

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type * as httpEntry from "../../src/http.ts";
import type * as memoryEntry from "../../src/memory.ts";
import { serve } from "../lib/calls.ts";
import { usedBytes } from "../lib/heap.ts";
import { nowMicros } from "../lib/source.ts";

const built = (entry: string): string => new URL(`../../dist/${entry}.js`, import.meta.url).href;
// Typed by the source that dist is made of, so that types are checked where nothing was built yet.
const { streamResponse, toNodeHandler } = (await import(built("http"))) as typeof httpEntry;
const { createResumableStreamContext } = (await import(built("memory"))) as typeof memoryEntry;

export type Kind = "floor" | "ours";
export type Format = "events" | "one event" | "text";

/** What the framing of events adds to this one, at its end. Of the same length as ours. */
const ID_LINE = "id: 0000000.k3f9x2ab\n";
const HEAD = { "content-type": "text/event-stream", "cache-control": "no-store" };
const PAGE_BYTES = 65_536;
const LAST = "data: the last of all\n\n";

interface Served {
  /** Gives a chunk to all readers. */
  push: (chunk: string) => void;
  attach: (response: ServerResponse, request: unknown) => void;
  end: () => Promise<void>;
}

const context = createResumableStreamContext({ waitUntil: null });
const served = new Map<string, Served>();

async function byUs(id: string): Promise<Served> {
  let source: ReadableStreamDefaultController<string> | undefined;
  const makeStream = () =>
    new ReadableStream<string>({
      start: (controller) => {
        source = controller;
      },
    });
  const own = await context.createNewResumableStream(id, makeStream);
  await own?.cancel();
  const handler = toNodeHandler(async () => streamResponse(await context.resumeExistingStream(id)));
  return {
    push: (chunk) => source?.enqueue(chunk),
    attach: (response, request) => void handler(request as Parameters<typeof handler>[0], response),
    end: async () => {
      await context.stopStream(id);
    },
  };
}

function byHand(): Served {
  const readers = new Set<ServerResponse>();
  const pages: Buffer[] = [];
  const replay = async (response: ServerResponse): Promise<void> => {
    for (const page of pages) if (!response.write(page)) await once(response, "drain");
  };
  return {
    push(chunk) {
      const framed = chunk.replaceAll("\n\n", `\n${ID_LINE}\n`);
      const bytes = Buffer.from(framed);
      if (chunk.length < PAGE_BYTES) for (const reader of readers) reader.write(bytes);
      else
        for (let at = 0; at < bytes.length; at += PAGE_BYTES) pages.push(bytes.subarray(at, at + PAGE_BYTES));
    },
    attach(response) {
      response.writeHead(200, HEAD);
      response.flushHeaders();
      readers.add(response);
      response.on("close", () => readers.delete(response));
      // A reader that leaves in the middle ends its own replay.
      void replay(response).catch(() => undefined);
    },
    async end() {
      for (const reader of readers) reader.end();
    },
  };
}

/** What this library answers in each format, whole. */
const WHOLE: Readonly<Record<Format, () => string>> = {
  events: () => eventsOf(Array.from({ length: 156_250 }, (_, n) => String(n).padStart(56, "token "))),
  "one event": () => eventsOf(["x".repeat(8_000_000)]),
  text: () => "some text ".repeat(1_000_000),
};

function eventsOf(texts: readonly string[]): string {
  let offset = 0;
  const events = texts.map((text) => {
    // The framing of an event adds its id: the text itself has none.
    offset += text.length + "data: \n\n".length;
    return `data: ${text}\nid: ${offset}.k3f9x2ab\n\n`;
  });
  const opening = ": resumable-stream offset=0 generation=k3f9x2ab\n\n: resumable-stream caught-up\n\n";
  return `${opening}${events.join("")}: resumable-stream end=done\n`;
}

const server = createServer((request, response) => {
  const [id = "", position] = request.url?.slice(1).split("?") ?? [];
  // Plain text doesn't tell its end: whoever has all of it asks once more.
  if (position !== undefined) return response.writeHead(204, { "stream-status": "done" }).end();
  const one = served.get(id);
  if (one) return one.attach(response, request);
  response.writeHead(404).end();
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const handlers = {
  async port(): Promise<number> {
    return (server.address() as AddressInfo).port;
  },

  /** A stream under `id`, with this many events of 64 bytes, the last one marked. */
  async open({ kind, id, events }: { kind: Kind; id: string; events: number }): Promise<void> {
    const one = kind === "ours" ? await byUs(id) : byHand();
    served.set(id, one);
    if (events === 0) return;
    const text = Array.from(
      { length: events - 1 },
      (_, n) => `data: ${String(n).padStart(56, "token ")}\n\n`,
    );
    one.push(text.join("") + LAST);
  },

  /** An answer of this library under `id`, whole and made beforehand. */
  async openWhole({ id, format }: { id: string; format: Format }): Promise<void> {
    const body = Buffer.from(WHOLE[format]());
    const type = format === "text" ? "text/plain" : "text/event-stream";
    const none = (): void => undefined;
    served.set(id, {
      push: none,
      attach: (response) => {
        const headers = { "content-type": type, "stream-offset": "0", "stream-generation": "k3f9x2ab" };
        response.writeHead(200, headers).end(body);
      },
      end: async () => none(),
    });
  },

  /** One event each `everyMs`, stamped when it is given. */
  async pace({ id, events, everyMs }: { id: string; events: number; everyMs: number }): Promise<void> {
    await new Promise<void>((resolve) => {
      let given = 0;
      const timer = setInterval(() => {
        served.get(id)?.push(`data: ${String(nowMicros()).padStart(16, "0")}${" token".repeat(6)}\n\n`);
        given += 1;
        if (given < events) return;
        clearInterval(timer);
        resolve();
      }, everyMs);
    });
  },

  async end({ id }: { id: string }): Promise<void> {
    await served.get(id)?.end();
    served.delete(id);
  },

  heap: usedBytes,
};

export type HttpServer = typeof handlers;
serve(handlers);
