// A private Redis: own port, own temp folder, and free to be killed, frozen and restarted.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { RedisAdmin } from "./redis-admin.ts";
import { ensureBinary, redisBinary } from "./server-binary.ts";

export interface RedisServerOptions {
  /** `"disk"`: what was acknowledged survives a restart, as with a production server. @defaultValue "memory" */
  keep?: "memory" | "disk";
  /** A node of a cluster, which belongs to none yet. @defaultValue a server of its own */
  cluster?: ClusterNodeOptions;
}

export interface ClusterNodeOptions {
  /** How long a node is silent before the others look for a replacement. */
  nodeTimeoutMs: number;
}

/** How many ports are tried. */
const MAX_STARTS = 5;

/** Start with `RedisServer.start()`, best as `await using`; what it started and wrote is gone afterwards. */
export class RedisServer extends RedisAdmin {
  readonly port: number;
  /** The port that nodes of a cluster talk to each other by; 0 for a server of its own. */
  readonly busPort: number;
  readonly #folder: string;
  readonly #options: RedisServerOptions;
  /** The running server; absent between kill and restart. */
  #child: ChildProcess | undefined;

  private constructor(
    { port, busPort }: { port: number; busPort: number },
    folder: string,
    options: RedisServerOptions,
  ) {
    super(`redis://127.0.0.1:${port}`);
    this.port = port;
    this.busPort = busPort;
    this.#folder = folder;
    this.#options = options;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    for (let attempt = 1; ; attempt++) {
      const folder = await mkdtemp(join(tmpdir(), "redis-"));
      const ports = { port: await freePort(), busPort: options.cluster ? await freePort() : 0 };
      const server = new RedisServer(ports, folder, options);
      try {
        await server.launch();
        return server;
      } catch (error) {
        await server.stop();
        // A port that was free may be taken by the time the server wants it.
        const isTaken = error instanceof Error && error.message.includes("Address already in use");
        if (!isTaken || attempt >= MAX_STARTS) throw error;
      }
    }
  }

  /** Ends the server and removes its folder. May be called again, and on a paused or killed server. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** SIGKILL: connections are cut at once. Nothing is left but what the disk has. */
  async kill(): Promise<void> {
    this.disconnect();
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Kills the server and starts it on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    await this.launch();
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Starts the server that was killed. */
  async launch(): Promise<void> {
    const child = spawn(ensureBinary(redisBinary), this.#arguments(), { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    // A test run that dies must not leave servers behind.
    const killWithUs = (): void => void child.kill("SIGKILL");
    process.once("exit", killWithUs);
    child.once("exit", () => process.removeListener("exit", killWithUs));
    await ready(child);
  }

  #arguments(): string[] {
    const { cluster, keep } = this.#options;
    const disk = keep === "disk";
    const node = cluster && [
      ["--cluster-enabled", "yes"],
      ["--cluster-port", String(this.busPort)],
      ["--cluster-node-timeout", String(cluster.nodeTimeoutMs)],
      // However long a replica hasn't heard of its master, it takes over.
      ["--cluster-replica-validity-factor", "0"],
      ["--repl-diskless-sync-delay", "0"],
    ];
    return [
      ...(node ?? []),
      ["--port", String(this.port)],
      ["--bind", "127.0.0.1"],
      ["--dir", this.#folder],
      ["--save", ""],
      ["--appendonly", disk ? "yes" : "no"],
      ["--appendfsync", "always"],
    ].flat();
  }
}

async function ready(child: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    const listen = (data: Buffer): void => {
      log += data.toString();
      if (log.includes("Ready to accept connections")) resolve();
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`The server exited with ${code} before it was ready:\n${log}`)),
    );
  });
  // Nobody reads what it says from here on; a full pipe would stop it.
  child.stdout?.removeAllListeners("data").resume();
  child.stderr?.removeAllListeners("data").resume();
}
