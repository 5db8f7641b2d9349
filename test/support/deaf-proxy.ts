// A proxy before Postgres that understands just enough of its protocol to swallow notifications, as a transaction pooler does.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** The message of a notification. */
const NOTIFICATION_RESPONSE = 0x41;
/** A message's type and length. */
const HEADER_BYTES = 5;

/** Start with `DeafProxy.start()`, best as `await using`. */
export class DeafProxy {
  readonly port: number;
  /** Whether notifications are swallowed. */
  isDeaf = true;
  /** How many were. */
  swallowed = 0;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(listener: Server, port: number) {
    this.#listener = listener;
    this.port = port;
  }

  static async start(targetPort: number): Promise<DeafProxy> {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    const proxy = new DeafProxy(listener, address.port);
    listener.on("connection", (client) => proxy.#connect(client, targetPort));
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #connect(client: Socket, targetPort: number): void {
    const server = connect(targetPort, "127.0.0.1");
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
    client.pipe(server);
    let pending: Buffer = Buffer.alloc(0);
    server.on("data", (data: Buffer) => {
      pending = Buffer.concat([pending, data]);
      pending = this.#forward(pending, client);
    });
  }

  /** Passes whole messages on, and gives back what isn't whole yet. */
  #forward(bytes: Buffer, client: Socket): Buffer {
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + 1 + bytes.readInt32BE(at + 1);
      if (end > bytes.length) break;
      if (this.isDeaf && bytes[at] === NOTIFICATION_RESPONSE) this.swallowed += 1;
      else client.write(bytes.subarray(at, end));
      at = end;
    }
    return bytes.subarray(at);
  }
}
