// A private PgBouncer in transaction mode: each transaction of a connection may be another backend's.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { ensureBinary, pgbouncerBinary } from "./server-binary.ts";
import { unprivilegedUser } from "./unprivileged-user.ts";

/** Fewer than the clients have connections, so that those get each other's. */
const BACKENDS = 4;

/** Start with `Pooler.start()`, best as `await using`. */
export class Pooler implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  /** The running pooler; absent between kill and restart. */
  #child: ChildProcess | undefined;

  private constructor(url: string, folder: string) {
    this.url = url;
    this.#folder = folder;
  }

  /** In front of the server and database that `serverUrl` names. */
  static async start(serverUrl: string): Promise<Pooler> {
    const target = new URL(serverUrl);
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), "pgbouncer-"));
    const settings = [
      "[databases]",
      `* = host=${target.hostname} port=${target.port || 5432} user=${target.username}`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = any",
      "pool_mode = transaction",
      `default_pool_size = ${BACKENDS}`,
      "max_client_conn = 200",
    ];
    await writeFile(join(folder, "pgbouncer.ini"), settings.join("\n"));
    const user = unprivilegedUser();
    if (user) await chown(folder, user.uid, user.gid);
    const pooler = new Pooler(Object.assign(new URL(serverUrl), { host: `127.0.0.1:${port}` }).href, folder);
    await pooler.launch();
    return pooler;
  }

  /** SIGKILL: connections are cut at once. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Starts it again on the same port. */
  async launch(): Promise<void> {
    const child = spawn(ensureBinary(pgbouncerBinary), [join(this.#folder, "pgbouncer.ini")], {
      ...unprivilegedUser(),
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child = child;
    // A test run that dies must not leave it behind.
    const killWithUs = (): void => void child.kill("SIGKILL");
    process.once("exit", killWithUs);
    child.once("exit", () => process.removeListener("exit", killWithUs));
    await ready(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function ready(child: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (data: Buffer) => {
      log += data.toString();
      if (log.includes("process up")) resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`PgBouncer exited with ${code} before it was ready:\n${log}`)),
    );
  });
  // Nobody reads what it says from here on; a full pipe would stop it.
  child.stderr?.removeAllListeners("data").resume();
}
