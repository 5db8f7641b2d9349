import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface NatsServer {
  readonly url: string;
  /** Kills it, and starts it again at the same address with what it had stored. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
}

type ServerProcess = ChildProcessByStdio<null, null, Readable>;

const ADVICE =
  "nats-server could not be started. Install it (Debian: apt-get install nats-server, others: nats.io).";

/** Starts a private server with JetStream on a free port, whose data is in a temporary folder. */
export async function startServer(): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), "own-transport-"));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  let server = spawnServer(folder, -1);

  const leave = (): void => {
    server.kill("SIGKILL");
    removeFolder();
  };
  process.once("exit", leave);
  const stop = async (): Promise<void> => {
    await kill(server);
    removeFolder();
    process.off("exit", leave);
  };

  try {
    const port = await portOf(server);
    const restart = async (): Promise<void> => {
      await kill(server);
      server = spawnServer(folder, port);
      await portOf(server);
    };
    return { url: `nats://127.0.0.1:${port}`, restart, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A port of -1 is any free one. */
function spawnServer(folder: string, port: number): ServerProcess {
  // Debian installs servers where the PATH of a user doesn't look.
  const path = [process.env["PATH"], "/usr/sbin"].join(delimiter);
  return spawn("nats-server", ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", String(port)], {
    env: { ...process.env, PATH: path },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** Resolves once the server listens: its log tells that, and which port it has found. */
function portOf(server: ServerProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let lastLine = "";
    createInterface(server.stderr).on("line", (line) => {
      lastLine = line;
      const port = /Listening for client connections on .*:(\d+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    server.on("error", (cause) => reject(new Error(ADVICE, { cause })));
    server.once("exit", () => reject(new Error(`nats-server has ended: ${lastLine}`)));
  });
}

async function kill(server: ServerProcess): Promise<void> {
  // False where it isn't there, because it never was or because it has ended.
  if (server.kill("SIGKILL")) await once(server, "exit");
}
