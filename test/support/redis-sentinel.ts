// A master, its replica, and a Sentinel that makes the replica the master once that is dead.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { RedisAdmin } from "./redis-admin.ts";
import { RedisServer } from "./redis-server.ts";
import { ensureBinary, redisBinary } from "./server-binary.ts";
import { until } from "./wait.ts";

/** The name of the master that the Sentinel watches. */
export const MASTER = "the-master";

export async function startSentinel(): Promise<Sentinel> {
  const master = await RedisServer.start();
  const replica = await RedisServer.start();
  await replica.command("REPLICAOF", "127.0.0.1", String(master.port));
  await until(async () => String(await replica.command("INFO", "replication")).includes("link_status:up"), {
    what: "the replica to have a copy",
  });
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "sentinel-"));
  const file = join(folder, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `sentinel monitor ${MASTER} 127.0.0.1 ${master.port} 1`,
    `sentinel down-after-milliseconds ${MASTER} 1000`,
    `sentinel failover-timeout ${MASTER} 6000`,
  ];
  await writeFile(file, lines.join("\n"));
  const child = spawn(ensureBinary(redisBinary), [file, "--sentinel"], { stdio: "ignore" });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const admin = new RedisAdmin(`redis://127.0.0.1:${port}`);
  await until(
    async () => {
      const replicas = await admin.command("SENTINEL", "REPLICAS", MASTER).catch(() => undefined);
      return Array.isArray(replicas) && replicas.length === 1;
    },
    { what: "the Sentinel to know the replica", withinMs: 20_000 },
  );
  return {
    port,
    /** SIGKILL, until the replica is the master. */
    failOver: async () => {
      await master.kill();
      await until(
        async () => {
          // A Sentinel cuts the connections of whom it promotes.
          const info = await replica.command("INFO", "replication").catch(() => undefined);
          return String(info).includes("role:master");
        },
        { what: "the replica to be the master", withinMs: 20_000 },
      );
    },
    [Symbol.asyncDispose]: async () => {
      process.removeListener("exit", killWithUs);
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      admin.disconnect();
      await rm(folder, { recursive: true, force: true });
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}

export interface Sentinel extends AsyncDisposable {
  port: number;
  failOver: () => Promise<void>;
}
