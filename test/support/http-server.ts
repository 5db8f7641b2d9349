// A handler on a free port of this machine.

import { once } from "node:events";
import { createServer } from "node:http";
import { toNodeHandler } from "../../src/http.ts";
import { freePort } from "./free-port.ts";

export interface HttpServer extends AsyncDisposable {
  port: number;
  url: string;
}

export async function serveHttp(
  handler: (request: Request) => Response | Promise<Response>,
): Promise<HttpServer> {
  // Streams that fail or are lost break their bodies off: part of what tests ask for.
  const server = createServer(toNodeHandler(handler, { onError: () => undefined }));
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
