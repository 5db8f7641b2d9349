// An example, started as its reader starts it, and killed as a server may be.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/wait.ts";

/** As a reader does, but for what it would change: the lock file holds the versions. */
const INSTALL = "npm install --no-save --no-audit --no-fund --loglevel=error";
/** An answer takes 10 s, not 15: on two busy cores a second tab may need 5 to open. */
const WORD_MS = "40";

export interface Example {
  url: string;
  /** SIGKILL to all of its processes. */
  kill: () => Promise<void>;
  /** SIGTERM to all of its processes, as at a deploy. Settles when the server is gone. */
  terminate: () => Promise<void>;
  /** Starts it again, at the same address and over the same folder. */
  start: () => Promise<void>;
  /** Kills it, and removes what it wrote. */
  remove: () => Promise<void>;
}

/** Installs an example and starts it, by one command. `redisUrl`: of the server that it uses, if it uses one. */
export async function startExample(
  name: string,
  redisUrl = "",
  more: Record<string, string> = {},
): Promise<Example> {
  const cwd = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  const port = await freePort();
  const dataFolder = await mkdtemp(join(tmpdir(), `${name}-`));
  const own = { POSTGRES_URL: "", REDIS_URL: redisUrl, PORT: String(port), DATA_FOLDER: dataFolder, WORD_MS };
  const env = { ...process.env, ...own, ...more };
  const url = `http://localhost:${port}/`;
  let kill = async (): Promise<void> => {};
  let terminate = async (): Promise<void> => {};

  const run = async (command: string): Promise<void> => {
    // A group of its own: npm starts shells, and those the server.
    const child = spawn(command, {
      cwd,
      env,
      shell: true,
      detached: true,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const exited = once(child, "exit");
    const killNow = (): void => {
      const isRunning = child.exitCode === null && child.signalCode === null;
      if (child.pid !== undefined && isRunning) process.kill(-child.pid, "SIGKILL");
    };
    process.once("exit", killNow);
    kill = async () => {
      process.removeListener("exit", killNow);
      killNow();
      await exited;
      // The shell's end isn't the server's: what starts next needs the port.
      await until(async () => !(await isUp(url)), { what: `${name} to be gone` });
    };
    terminate = async () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
      await until(async () => !(await isUp(url)), { what: `${name} to be gone`, withinMs: 30_000 });
    };
    await until(() => isUp(url), { what: `${name} to start`, withinMs: 240_000 });
  };

  try {
    await run(`${INSTALL} && npm start`);
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    url,
    kill: () => kill(),
    terminate: () => terminate(),
    start: () => run("npm start"),
    remove: async () => {
      await kill();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

async function isUp(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    // Nobody listens yet.
    return false;
  }
}
