// Between a client and Postgres: takes LISTEN and delivers no notification, as poolers in transaction mode do.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Transform } from "node:stream";

export interface DeafPooler extends AsyncDisposable {
  url: string;
}

export async function startDeafPooler(serverUrl: string): Promise<DeafPooler> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      // Either end may be cut at any time; then so is the other.
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(server);
    server.pipe(withoutNotifications()).pipe(client);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const url = Object.assign(new URL(serverUrl), { host: `127.0.0.1:${port}` }).href;
  const dispose = async (): Promise<void> => {
    const closed = once(listener, "close");
    listener.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { url, [Symbol.asyncDispose]: dispose };
}

const NOTIFICATION = "A".charCodeAt(0);
const HEAD_BYTES = 5;

/** A message is a letter, its length without the letter, and the rest. */
function withoutNotifications(): Transform {
  let pending = Buffer.alloc(0);
  return new Transform({
    transform(data: Buffer, _encoding, done) {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= HEAD_BYTES) {
        const length = 1 + pending.readUInt32BE(1);
        if (pending.length < length) break;
        if (pending[0] !== NOTIFICATION) this.push(pending.subarray(0, length));
        pending = pending.subarray(length);
      }
      done();
    },
  });
}
