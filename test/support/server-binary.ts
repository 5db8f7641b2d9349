// Finds the server program a test needs, or installs Debian's package of it. Throws where it can do neither: no test skips.

import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A server, or a browser, that tests start themselves. */
export interface ServerBinary {
  /** Names of the program, the preferred one first. */
  names: string[];
  /** Folders to look in besides PATH, as they are now. */
  folders?: () => string[];
  debianPackage: string;
  /** The service that Debian starts on installing, if any. Ours to stop, since it was us who installed it. */
  debianService?: string;
  /** What to do where it can't be installed from here. */
  advice: string;
}

export const redisBinary: ServerBinary = {
  names: ["redis-server", "valkey-server"],
  debianPackage: "redis-server",
  debianService: "redis-server",
  advice:
    "Install redis-server or valkey-server and put it on PATH. REDIS_URL isn't enough: some tests kill theirs.",
};

export const postgresBinary: ServerBinary = {
  names: ["postgres"],
  // Debian keeps each version's programs in a folder of its own, off PATH.
  folders: debianVersions("/usr/lib/postgresql"),
  debianPackage: "postgresql",
  debianService: "postgresql",
  advice: "Install PostgreSQL 14 or newer. POSTGRES_URL isn't enough: some tests kill theirs.",
};

export const pgbouncerBinary: ServerBinary = {
  names: ["pgbouncer"],
  folders: () => ["/usr/sbin"],
  debianPackage: "pgbouncer",
  debianService: "pgbouncer",
  advice: "Install PgBouncer and put it on PATH.",
};

/** Started by examples/own-transport itself, which looks for it in the same folder. */
export const natsBinary: ServerBinary = {
  names: ["nats-server"],
  folders: () => ["/usr/sbin"],
  debianPackage: "nats-server",
  debianService: "nats-server",
  advice: "Install nats-server 2.9 or newer and put it on PATH.",
};

export const nginxBinary: ServerBinary = {
  names: ["nginx"],
  folders: () => ["/usr/sbin"],
  debianPackage: "nginx-light",
  debianService: "nginx",
  advice: "Install nginx and put it on PATH.",
};

export const chromiumBinary: ServerBinary = {
  names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  debianPackage: "chromium",
  advice: "Install chromium or Google Chrome and put it on PATH.",
};

export const firefoxBinary: ServerBinary = {
  names: ["firefox-esr", "firefox"],
  debianPackage: "firefox-esr",
  advice: "Install Firefox and put it on PATH.",
};

/** With the small browser that it drives. */
export const webKitBinary: ServerBinary = {
  names: ["WebKitWebDriver"],
  debianPackage: "webkit2gtk-driver",
  advice: "Install WebKitGTK's WebDriver and put it on PATH.",
};

/** A screen for a browser that needs one. */
export const xvfbBinary: ServerBinary = {
  names: ["Xvfb"],
  debianPackage: "xvfb",
  advice: "Install Xvfb and put it on PATH.",
};

/** The program's path; installs it first where it is missing and may be installed. */
export function ensureBinary(binary: ServerBinary): string {
  const found = findBinary(binary);
  if (found !== undefined) return found;
  installPackage(binary);
  const installed = findBinary(binary);
  if (installed === undefined) throw missing(binary, `${binary.debianPackage} was installed without it`);
  return installed;
}

/** The newest first. */
function debianVersions(parent: string): () => string[] {
  return () => {
    if (!existsSync(parent)) return [];
    const versions = readdirSync(parent).toSorted((one, other) => Number(other) - Number(one));
    return versions.map((version) => join(parent, version, "bin"));
  };
}

function findBinary({ names, folders }: ServerBinary): string | undefined {
  const places = [...(process.env["PATH"] ?? "").split(delimiter), ...(folders?.() ?? [])];
  return names.flatMap((name) => places.map((place) => join(place, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installPackage(binary: ServerBinary): void {
  if (process.getuid?.() !== 0) throw missing(binary, "it isn't on PATH, and only root may install it");
  if (findBinary({ ...binary, names: ["apt-get"] }) === undefined)
    throw missing(binary, "it isn't on PATH, and there is no apt-get");
  try {
    aptGet("update");
    aptGet("install", "--yes", "--no-install-recommends", binary.debianPackage);
  } catch (cause) {
    throw missing(binary, `apt-get could not install ${binary.debianPackage}`, { cause });
  }
  if (binary.debianService !== undefined) stopService(binary.debianService);
}

function aptGet(...args: string[]): void {
  // Runlevel 1 tells the package's scripts to leave the service alone where no systemd decides about it.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  execFileSync("apt-get", ["--quiet=2", ...args], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 300_000,
  });
}

function stopService(name: string): void {
  try {
    execFileSync("service", [name, "stop"], { stdio: "ignore", timeout: 30_000 });
  } catch (error) {
    // It wasn't started, which is all that is asked for.
    process.stderr.write(`${name}: no service to stop (${String(error).split("\n")[0]})\n`);
  }
}

function missing({ names, advice }: ServerBinary, why: string, options?: ErrorOptions): Error {
  return new Error(`Tests need ${names.join(" or ")}: ${why}. ${advice}`, options);
}
