// The service of docker-compose.yml.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { until } from "../../test/support/wait.ts";
import type { WalServer } from "./server.ts";

const url = "postgres://postgres:postgres@127.0.0.1:5545/resumable_stream";
const root = fileURLToPath(new URL("../..", import.meta.url));

export function isDockerRunning(): boolean {
  try {
    execFileSync("docker", ["info"], { stdio: "ignore", timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

export async function openComposeServer(): Promise<WalServer> {
  compose("up", "--detach", "postgres");
  await answers();
  return {
    url,
    kill: async () => compose("kill", "--signal", "SIGKILL", "postgres"),
    launch: async () => {
      compose("up", "--detach", "postgres");
      await answers();
    },
    // The service is the user's: it stays up.
    close: async () => undefined,
  };
}

function compose(...args: string[]): void {
  execFileSync("docker", ["compose", ...args], { cwd: root, stdio: "ignore", timeout: 180_000 });
}

async function answers(): Promise<void> {
  await until(
    async () => {
      const client = new Client({ connectionString: url });
      client.on("error", () => undefined);
      try {
        await client.connect();
        await client.query("select 1");
        return true;
      } catch {
        return false;
      } finally {
        await client.end();
      }
    },
    { what: "Postgres to answer", withinMs: 60_000 },
  );
}
