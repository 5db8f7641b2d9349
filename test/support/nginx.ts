// nginx as Debian's package sets it up to pass requests on: it speaks HTTP/1.0 to its upstreams.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { ensureBinary, nginxBinary } from "./server-binary.ts";
import { until } from "./wait.ts";

/** In one process, as whoever runs the tests: no master that would need root, and nothing outside its folder. */
export class Nginx implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(url: string, folder: string, child: ChildProcess) {
    this.url = url;
    this.#folder = folder;
    this.#child = child;
  }

  /** In front of a port of this machine. */
  static async start(targetPort: number): Promise<Nginx> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), "nginx-"));
    await mkdir(join(folder, "temp"));
    const settings = join(folder, "nginx.conf");
    await writeFile(settings, configuration(folder, port, targetPort));
    const child = spawn(
      ensureBinary(nginxBinary),
      ["-c", settings, "-p", folder, "-e", join(folder, "log")],
      {
        stdio: "ignore",
      },
    );
    // A test run that dies must not leave it behind.
    const killWithUs = (): void => void child.kill("SIGKILL");
    process.once("exit", killWithUs);
    child.once("exit", () => process.removeListener("exit", killWithUs));
    const nginx = new Nginx(`http://127.0.0.1:${port}`, folder, child);
    await until(() => isThere(port, child), { what: "nginx to start" });
    return nginx;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** No directive about the upstream but where it is. */
function configuration(folder: string, port: number, targetPort: number): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const temporary = kinds.map((kind) => `${kind}_temp_path ${folder}/temp/${kind};`);
  const server = `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${targetPort}; } }`;
  return [
    `daemon off; master_process off; pid ${folder}/pid;`,
    "events { worker_connections 64; }",
    `http { access_log off; ${temporary.join(" ")} ${server} }`,
  ].join("\n");
}

/** By a connection alone: a request would reach the server behind it. */
async function isThere(port: number, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`nginx exited with ${child.exitCode} before it was ready`);
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
