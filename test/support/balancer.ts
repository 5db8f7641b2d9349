// A load balancer for connections: each new one goes to the next server that takes any.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./free-port.ts";

/** Start with `Balancer.start()`, best as `await using`. */
export class Balancer {
  readonly url: string;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #ports: number[] = [];
  #next = 0;
  /** Where new connections go while a test says so. */
  #pinned: number | undefined;

  private constructor(listener: Server, port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#listener = listener;
    listener.on("connection", (client) => this.#forward(client));
  }

  static async start(): Promise<Balancer> {
    const port = await freePort();
    const listener = createServer().listen(port, "127.0.0.1");
    await once(listener, "listening");
    return new Balancer(listener, port);
  }

  add(port: number): void {
    this.#ports.push(port);
  }

  /** Sends nothing new there. Connections that there are stay. */
  remove(port: number): void {
    this.#ports = this.#ports.filter((each) => each !== port);
  }

  /** Sends what comes while `act` runs to one server. */
  async pin<T>(port: number, act: () => Promise<T>): Promise<T> {
    this.#pinned = port;
    try {
      return await act();
    } finally {
      this.#pinned = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#listener, "close");
    this.#listener.close();
    await closed;
  }

  #forward(client: Socket): void {
    const port = this.#pinned ?? this.#ports[this.#next++ % this.#ports.length];
    if (port === undefined) return void client.destroy();
    const server = connect({ port, host: "127.0.0.1", noDelay: true });
    client.setNoDelay();
    const sockets = [client, server];
    for (const socket of sockets) {
      this.#sockets.add(socket);
      // A server that goes away resets what it has; "close" follows.
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        for (const each of sockets) each.destroySoon();
      });
    }
    client.pipe(server);
    server.pipe(client);
  }
}
