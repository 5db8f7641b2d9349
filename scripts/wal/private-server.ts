import { PostgresServer } from "../../test/support/postgres-server.ts";
import type { WalServer } from "./server.ts";

export async function openPrivateServer(): Promise<WalServer> {
  const server = await PostgresServer.start({ survives: "disk" });
  return {
    url: server.url,
    kill: () => server.kill(),
    launch: () => server.launch(),
    close: () => server.stop(),
  };
}
