// A TCP proxy before a server: far away (a delay each way), unreachable (refuses), or gone silent (a black hole).

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Losing } from "../../src/testing.ts";
import { freePort } from "./free-port.ts";

export interface ProxyDelay {
  toServerMs: number;
  toClientMs: number;
}

/**
 * A network that fails goes silent before the connection breaks. Chromium's fetch discards what came in the same moment as
 * the break: a client that asks again loses nothing by it, but comes no further where that happens each time.
 */
const CUT_AFTER_MS = 20;

interface Connection {
  client: Socket;
  server: Socket;
}

/** Start with `TcpProxy.start()`, best as `await using`. */
export class TcpProxy {
  readonly port: number;
  readonly url: string;
  /** What came from clients, forwarded or not. */
  bytesToServer = 0;
  /** What came from the server, forwarded or not. */
  bytesToClient = 0;
  #target: number;
  readonly #connections = new Set<Connection>();
  #delay: ProxyDelay = { toServerMs: 0, toClientMs: 0 };
  /** What isn't forwarded; absent while all is. */
  #silent: Losing | undefined;
  #cutPoint: () => number = () => Infinity;
  #listener: Server;

  private constructor(target: number, listener: Server, port: number) {
    this.#target = target;
    this.#listener = listener;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#serve();
  }

  /** A proxy on a free port before a port of this machine. */
  static async start(targetPort: number, delay?: ProxyDelay): Promise<TcpProxy> {
    const listener = createServer();
    const port = await freePort();
    await listen(listener, port);
    const proxy = new TcpProxy(targetPort, listener, port);
    if (delay !== undefined) proxy.setDelay(delay);
    return proxy;
  }

  /** Holds every byte back for so long, as a network of that latency would. */
  setDelay(delay: ProxyDelay): void {
    this.#delay = delay;
  }

  /** Has new connections lead elsewhere. */
  setTarget(port: number): void {
    this.#target = port;
  }

  /** Accepts, and forwards nothing, or nothing back, without closing: what a firewall that drops packets looks like. */
  blackHole(losing: Losing = "calls"): void {
    this.#silent = losing;
    for (const connection of this.#connections) silence(connection, losing);
  }

  /** Ends the black hole for connections to come. Those there are stay silent for ever, as where a network has forgotten them. */
  forget(): void {
    this.#silent = undefined;
  }

  /** Ends the black hole: what was sent into it arrives now, as TCP retransmits it. */
  heal(): void {
    this.#silent = undefined;
    for (const { client, server } of this.#connections) {
      client.resume();
      server.resume();
    }
  }

  /** Cuts each new connection after so many bytes to the client, wherever in the text that falls. */
  cutEachAfter(cutPoint: () => number): void {
    this.#cutPoint = cutPoint;
  }

  /** Resets all connections. New ones are accepted. */
  cut(): void {
    for (const { client, server } of this.#connections) {
      client.destroy();
      server.destroy();
    }
    this.#connections.clear();
  }

  /** The same by a TCP reset, which clients tell by another error than a connection that was closed. */
  reset(): void {
    for (const { client } of this.#connections) client.resetAndDestroy();
    this.cut();
  }

  /** Resets all connections and refuses new ones. */
  async refuse(): Promise<void> {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    this.cut();
    await closed;
  }

  /** Accepts again, on the same port. */
  async accept(): Promise<void> {
    this.#listener = createServer();
    this.#serve();
    await listen(this.#listener, this.port);
  }

  async stop(): Promise<void> {
    if (this.#listener.listening) await this.refuse();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #serve(): void {
    this.#listener.on("connection", (client) => {
      client.setNoDelay();
      const server = connect({ port: this.#target, host: "127.0.0.1", noDelay: true });
      const connection = { client, server };
      this.#connections.add(connection);
      const end = (): void => {
        this.#connections.delete(connection);
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) {
        // A reset is part of what tests ask for; "close" follows it.
        socket.on("error", end);
        socket.on("close", end);
      }
      forward(client, server, (length) => {
        this.bytesToServer += length;
        return this.#delay.toServerMs;
      });
      cutAfter(client, this.#cutPoint(), end);
      forward(server, client, (length) => {
        this.bytesToClient += length;
        return this.#delay.toClientMs;
      });
      if (this.#silent) silence(connection, this.#silent);
    });
  }
}

function silence({ client, server }: Connection, losing: Losing): void {
  if (losing === "calls") client.pause();
  server.pause();
}

/** Lets so many bytes through to a client, to the byte, and then cuts its connection. */
function cutAfter(client: Socket, bytes: number, cut: () => void): void {
  if (bytes === Infinity) return;
  const write = client.write.bind(client);
  let left = bytes;
  client.write = (data: Uint8Array) => {
    if (left <= 0) return false;
    const part = data.subarray(0, left);
    left -= part.length;
    if (left === 0) setTimeout(cut, CUT_AFTER_MS);
    return write(part);
  };
}

function forward(from: Socket, to: Socket, delayOf: (length: number) => number): void {
  /** When the last byte on its way arrives: a shorter delay must not overtake a longer one. */
  let lastArrival = 0;
  const later = (delayMs: number, act: () => void): void => {
    const now = performance.now();
    if (delayMs === 0 && lastArrival <= now) return act();
    lastArrival = Math.max(lastArrival, now + delayMs);
    setTimeout(act, lastArrival - now);
  };
  from.on("data", (data: Buffer) => later(delayOf(data.length), () => void (to.destroyed || to.write(data))));
  from.on("end", () => later(delayOf(0), () => void to.end()));
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
}
