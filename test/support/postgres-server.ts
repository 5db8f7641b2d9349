// A private Postgres: own port, own temp folder, never as root, and free to be killed, frozen and restarted.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { promisify } from "node:util";
import { certificate, privateKey } from "./certificate.ts";
import { freePort } from "./free-port.ts";
import { ensureBinary, postgresBinary } from "./server-binary.ts";
import { unprivilegedUser } from "./unprivileged-user.ts";

/** How often a start is tried: what a killed server leaves behind takes a moment to go. */
const MAX_STARTS = 50;

export interface PostgresServerOptions {
  /** `"disk"`: what was acknowledged survives a crash of the machine too. @defaultValue "process" */
  survives?: "process" | "disk";
  /** Whether it speaks TLS, with a certificate signed by itself. @defaultValue false */
  speaksTls?: boolean;
  /** Further settings, as `name=value`. */
  settings?: string[];
}

/** Start with `PostgresServer.start()`, best as `await using`; what it started and wrote is gone afterwards. */
export class PostgresServer {
  readonly port: number;
  readonly url: string;
  readonly #folder: string;
  readonly #options: PostgresServerOptions;
  /** The running server; absent between kill and restart. */
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: PostgresServerOptions) {
    this.port = port;
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    this.#folder = folder;
    this.#options = options;
  }

  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), "postgres-"));
    const server = new PostgresServer(await freePort(), folder, options);
    try {
      await server.#initialize();
      await server.launch();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** A server that follows this one, and takes its place once it is told `select pg_promote()`. */
  async startStandby(): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), "postgres-"));
    const standby = new PostgresServer(await freePort(), folder, this.#options);
    const user = unprivilegedUser();
    if (user) await chown(folder, user.uid, user.gid);
    const from = ["-h", "127.0.0.1", "-p", String(this.port), "-U", "postgres"];
    const how = ["-D", standby.#data, "-R", "-X", "stream", "-c", "fast"];
    try {
      await promisify(execFile)(binary("pg_basebackup"), [...from, ...how], {
        ...user,
        cwd: folder,
        timeout: 60_000,
      });
      await standby.launch();
    } catch (error) {
      await standby.stop();
      throw error;
    }
    return standby;
  }

  /** Ends the server and removes its folder. May be called again, and on a paused or killed server. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** SIGKILL to the server and all its processes: connections are cut at once, and nothing is written any more. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    this.#signal(child, "SIGKILL");
    await exited;
  }

  /** Kills the server and starts it on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    await this.launch();
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    if (this.#child) this.#signal(this.#child, "SIGSTOP");
  }

  resume(): void {
    if (this.#child) this.#signal(this.#child, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Starts the server that was killed. */
  async launch(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#launch();
      } catch (error) {
        if (attempt >= MAX_STARTS) throw error;
        await pass(100);
      }
    }
  }

  async #launch(): Promise<void> {
    const child = spawn(binary("postgres"), this.#arguments(), {
      ...unprivilegedUser(),
      cwd: this.#folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    // A test run that dies must not leave servers behind.
    const killWithUs = (): void => this.#signal(child, "SIGKILL");
    process.once("exit", killWithUs);
    child.once("exit", () => process.removeListener("exit", killWithUs));
    await ready(child);
  }

  #arguments(): string[] {
    const settings = [
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "max_connections=200",
      "shared_buffers=32MB",
      `fsync=${this.#options.survives === "disk" ? "on" : "off"}`,
      `ssl=${this.#options.speaksTls ? "on" : "off"}`,
      ...(this.#options.settings ?? []),
    ];
    return ["-D", this.#data, "-p", String(this.port), ...settings.flatMap((setting) => ["-c", setting])];
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  async #initialize(): Promise<void> {
    const user = unprivilegedUser();
    if (user) await chown(this.#folder, user.uid, user.gid);
    const options = ["-D", this.#data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"];
    await promisify(execFile)(binary("initdb"), options, { ...user, cwd: this.#folder, timeout: 60_000 });
    const files = { "server.crt": certificate, "server.key": privateKey };
    for (const [name, content] of Object.entries(this.#options.speaksTls ? files : {})) {
      const path = join(this.#data, name);
      await writeFile(path, content, { mode: 0o600 });
      if (user) await chown(path, user.uid, user.gid);
    }
  }

  /** Each of its processes leads a group of its own, so that they have to be found. */
  #signal(child: ChildProcess, signal: NodeJS.Signals): void {
    const backends = child.pid === undefined ? [] : childrenOf(child.pid);
    child.kill(signal);
    for (const pid of backends) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
  }
}

/** A program of the server's version. */
function binary(name: "postgres" | "initdb" | "pg_basebackup"): string {
  return join(dirname(realpathSync(ensureBinary(postgresBinary))), name);
}

function childrenOf(pid: number): number[] {
  if (!existsSync("/proc")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid);
}

/** Undefined where the process ended meanwhile. */
function parentOf(pid: number): number | undefined {
  try {
    // The name stands in brackets and may hold anything; what follows it doesn't.
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH");
}

async function ready(child: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    const listen = (data: Buffer): void => {
      log += data.toString();
      if (/database system is ready to accept (read-only )?connections/.test(log)) resolve();
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
