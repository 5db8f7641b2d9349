// A body as the bridge to Node writes it, to a response that a test takes from.

import { EventEmitter } from "node:events";
import { toNodeHandler } from "../../src/http/node.ts";
import type { NodeRequest } from "../../src/http/node-request.ts";
import { createDeferred } from "../../src/lib/deferred.ts";

export class NodeSink extends EventEmitter {
  statusCode = 200;
  statusMessage = "";
  headersSent = false;
  destroyed = false;
  /** What was written and isn't taken yet. */
  readonly waiting: Uint8Array[] = [];
  /** All that was written. */
  text = "";
  isEnded = false;
  /** Called for each write. */
  onWrite: () => void = () => undefined;
  readonly #maxWaiting: number;
  readonly #closed = createDeferred<"closed" | "broken">();
  readonly #decoder = new TextDecoder();

  /** Takes by itself what is written, unless `maxWaiting` writes fill it until they are taken. */
  constructor({ maxWaiting = Infinity }: { maxWaiting?: number } = {}) {
    super();
    this.#maxWaiting = maxWaiting;
  }

  /** How the body ended, once it has. */
  get ended(): Promise<"closed" | "broken"> {
    return this.#closed.promise;
  }

  getHeader(): undefined {}
  setHeader(): void {}
  flushHeaders(): void {
    this.headersSent = true;
  }

  write(bytes: Uint8Array): boolean {
    this.waiting.push(bytes);
    this.text += this.#decoder.decode(bytes, { stream: true });
    this.onWrite();
    return this.waiting.length < this.#maxWaiting;
  }

  /** Takes what waits. */
  drain(): void {
    const wasFull = this.waiting.length >= this.#maxWaiting;
    this.waiting.length = 0;
    if (wasFull) this.emit("drain");
  }

  end(): void {
    this.isEnded = true;
    this.#closed.resolve("closed");
    this.emit("close");
  }

  destroy(): void {
    this.destroyed = true;
    this.#closed.resolve("broken");
    this.emit("close");
  }
}

const incoming: NodeRequest = {
  method: "GET",
  url: "/",
  headers: { host: "localhost" },
  on: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  destroy: () => undefined,
};

/** Sends a response by the bridge; settles once it is out, or broken off. */
export function sendByNode(
  answer: Response | ((request: Request) => Response | Promise<Response>),
  sink: NodeSink,
  onError: (error: unknown) => void = () => undefined,
): Promise<void> {
  const handler = answer instanceof Response ? () => answer : answer;
  return toNodeHandler(handler, { onError })(incoming, sink);
}

/** What the bridge makes of a response's body, as a web stream: the sink takes a piece where its reader asks for one. */
export function bodyOverNode(response: Response): ReadableStream<Uint8Array> {
  const sink = new NodeSink({ maxWaiting: 1 });
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        sink.onWrite = () => controller.enqueue(sink.waiting.at(-1) ?? new Uint8Array());
        void sink.ended.then((how) => {
          if (how === "closed") controller.close();
          else controller.error(new Error("broken off"));
        });
        void sendByNode(response, sink);
      },
      pull: () => sink.drain(),
      cancel: () => sink.destroy(),
    },
    { highWaterMark: 0 },
  );
}
