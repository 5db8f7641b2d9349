// A NATS server of our own: a free port, a temporary folder, and nothing left of it afterwards.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export interface NatsServer {
  url: string;
  stop: () => Promise<void>;
}

export async function startServer(): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "nats-"));
  const args = ["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir", folder];
  // Debian has it in a folder that isn't on everybody's PATH.
  const PATH = [process.env["PATH"] ?? "", "/usr/sbin"].join(delimiter);
  const child = spawn("nats-server", args, {
    env: { ...process.env, PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    process.removeListener("exit", kill);
    kill();
    if (child.pid !== undefined) await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await new Promise<string>((resolve, reject) => {
      let log = "";
      child.stderr.on("data", (data: Buffer) => {
        log += data.toString();
        const listening = /client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
        if (listening !== undefined && log.includes("Server is ready")) resolve(listening);
      });
      exited.then(
        ([code]) => reject(new Error(`nats-server exited with ${code} before it was ready:\n${log}`)),
        (cause: unknown) =>
          reject(
            new Error("Can't start nats-server. Install Debian's package nats-server, or nats.io's.", {
              cause,
            }),
          ),
      );
    });
    // Nobody reads what it says from here on; a full pipe would stop it.
    child.stderr.removeAllListeners("data").resume();
    return { url: `nats://127.0.0.1:${port}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
