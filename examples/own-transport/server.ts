// A NATS server of our own: a free port, a temporary folder, and nothing left of it afterwards.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export interface NatsServer {
  url: string;
  /** Kills it, and starts it again at the same address and over the same folder. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
}

export async function startServer(): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "nats-"));
  // It takes a free port by itself.
  let running = await launch(folder, "-1");
  const { port } = running;
  return {
    url: `nats://127.0.0.1:${port}`,
    restart: async () => {
      await running.kill();
      running = await launch(folder, port);
    },
    stop: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Running {
  port: string;
  kill: () => Promise<void>;
}

async function launch(folder: string, wanted: string): Promise<Running> {
  const args = ["--addr", "127.0.0.1", "--port", wanted, "--jetstream", "--store_dir", folder];
  // Debian has it in a folder that isn't on everybody's PATH.
  const PATH = [process.env["PATH"] ?? "", "/usr/sbin"].join(delimiter);
  const child = spawn("nats-server", args, {
    env: { ...process.env, PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  const killNow = (): void => void child.kill("SIGKILL");
  process.once("exit", killNow);
  const kill = async (): Promise<void> => {
    process.removeListener("exit", killNow);
    killNow();
    await exited;
  };
  try {
    return { port: await ready(child, exited), kill };
  } catch (error) {
    process.removeListener("exit", killNow);
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Resolves to the port it listens on. */
async function ready({ stderr }: ChildProcess, exited: Promise<unknown[]>): Promise<string> {
  let log = "";
  const listening = new Promise<string>((resolve) => {
    stderr?.on("data", (data: Buffer) => {
      log += data.toString();
      const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      if (port !== undefined && log.includes("Server is ready")) resolve(port);
    });
  });
  const failed = exited.then(
    ([code]) =>
      Promise.reject(new Error(`nats-server exited with ${String(code)} before it was ready:\n${log}`)),
    (cause: unknown) => {
      const advice = "Install Debian's package nats-server, or nats.io's, and put it on PATH.";
      throw new Error(`Can't start nats-server. ${advice}`, { cause });
    },
  );
  const port = await Promise.race([listening, failed]);
  // Nobody reads what it says from here on; a full pipe would stop it.
  stderr?.removeAllListeners("data").resume();
  return port;
}
