// A load balancer before a chat's processes: in turn, and never to one that is gone or about to go.

import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { once } from "node:events";
import { freePort } from "../../support/free-port.ts";

export interface Upstream {
  port: number;
}

/** Start with `Balancer.start()`. */
export class Balancer {
  readonly port: number;
  readonly #files: Record<string, { type: string; text: string }>;
  readonly #server: Server;
  /** Those that get requests. */
  #upstreams: Upstream[] = [];
  /**
   * Questions are shared out by themselves. In one row with what pages ask for beside, each question could come to the same
   * process.
   */
  readonly #turns = new Map<string | undefined, number>();

  private constructor(port: number, files: Record<string, { type: string; text: string }>) {
    this.port = port;
    this.#files = files;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** `files`: what a static host serves, by path. */
  static async start(files: Record<string, { type: string; text: string }>): Promise<Balancer> {
    const balancer = new Balancer(await freePort(), files);
    balancer.#server.listen(balancer.port, "127.0.0.1");
    await once(balancer.#server, "listening");
    return balancer;
  }

  add(upstream: Upstream): void {
    this.#upstreams.push(upstream);
  }

  /** It gets no more requests. Those it has go on. */
  remove(upstream: Upstream): void {
    this.#upstreams = this.#upstreams.filter((one) => one !== upstream);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const file = this.#files[(request.url ?? "").split("?")[0] ?? ""];
    if (file) return void response.writeHead(200, { "content-type": file.type }).end(file.text);
    const { url: path, method, headers } = request;
    const turn = this.#turns.get(method) ?? 0;
    this.#turns.set(method, turn + 1);
    const upstream = this.#upstreams[turn % this.#upstreams.length];
    if (!upstream) return void response.writeHead(503, { "retry-after": "0" }).end();
    const asked = ask({ host: "127.0.0.1", port: upstream.port, path, method, headers, agent: false });
    asked.once("response", (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers).flushHeaders();
      answered.pipe(response);
      // Cut short: its reader must not take that for the end.
      answered.once("close", () => answered.complete || response.destroy());
    });
    asked.once("error", () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    });
    response.once("close", () => asked.destroy());
    request.pipe(asked);
  }
}
