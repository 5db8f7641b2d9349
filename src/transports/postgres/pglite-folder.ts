// A folder that PGlite has open is one process's: a second would write over it, and PGlite itself lets it. A socket whose name is
// made of the folder's path tells that somebody is there, and goes with its process, however that ends: on Linux and Windows at once, as
// it is no file. Elsewhere the file is left; of several processes that find it in the same millisecond two may win.

import type { Stats } from "node:fs";
import type { Server } from "node:net";
import { ResumableStreamError } from "../../port/errors.ts";

/** A socket's path, hash and all, is shorter than the 103 bytes that macOS takes of one. */
const HASH_LENGTH = 24;
/** A socket that a killed process left is taken away, and another process may be doing the same. */
const MAX_TRIES = 5;

/** The folder's path, however it is written; undefined for memory, and for what browsers have in place of folders. */
export async function folderOf(dataDir: string): Promise<string | undefined> {
  const folder = dataDir.replace(/^file:\/\//, "");
  if (/^[a-z-]+:\/\//.test(folder)) return undefined;
  const [{ realpath }, paths] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  const path = paths.resolve(folder);
  try {
    return await realpath(path);
  } catch {
    // It will be made.
    return realpath(paths.dirname(path)).then(
      (parent) => paths.join(parent, paths.basename(path)),
      () => path,
    );
  }
}

/**
 * Takes a folder for this process; gives what lets it go.
 *
 * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE` if another process has it; TypeError if that can't be known.
 */
export async function lockFolder(
  folder: string,
  platform: NodeJS.Platform = process.platform,
): Promise<() => Promise<void>> {
  const unlocks: (() => Promise<void>)[] = [];
  const unlock = async (): Promise<void> => void (await Promise.all(unlocks.map((each) => each())));
  try {
    for (const name of await namesOf(folder, platform)) {
      unlocks.push(await lock(folder, await socketOf(name, platform)));
    }
    return unlock;
  } catch (error) {
    await unlock();
    throw error;
  }
}

interface Socket {
  path: string;
  isFile: boolean;
}

async function lock(folder: string, { path, isFile }: Socket): Promise<() => Promise<void>> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      return await listenAt(path);
    } catch (error) {
      if (codeOf(error) !== "EADDRINUSE") {
        const message = `Cannot tell whether another process has the folder ${folder} open: ${String(error)}. Let it listen at a socket, on macOS in TMPDIR.`;
        throw new TypeError(message, { cause: error });
      }
    }
    if (!isFile || !(await removeLeft(path))) break;
  }
  throw new ResumableStreamError(
    "TRANSPORT_UNAVAILABLE",
    `Another process has the folder ${folder} open, and two would destroy it. Give this process a dataDir of its own, or use Postgres.`,
  );
}

/**
 * Containers that share a network see each other's sockets, and may have different folders at one path. So a folder is known by its
 * place on the disk, also if it is made anew there, and by itself, as it may be renamed, or mounted at several places.
 */
async function namesOf(folder: string, platform: NodeJS.Platform): Promise<string[]> {
  if (platform !== "linux") return [folder];
  const [{ mkdir, stat }, paths] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  // Without its parent PGlite makes none, and says so.
  await mkdir(folder).catch(() => undefined);
  const nameOf = (path: string, rest: (folder: Stats) => string | number): Promise<string> =>
    stat(path).then(
      (found) => `${found.dev}:${found.ino}:${rest(found)}`,
      () => path,
    );
  return [
    await nameOf(paths.dirname(folder), () => paths.basename(folder)),
    // A number is used again once its folder was deleted.
    await nameOf(folder, ({ birthtimeMs }) => birthtimeMs),
  ];
}

async function socketOf(named: string, platform: NodeJS.Platform): Promise<Socket> {
  const [{ createHash }, { tmpdir }, paths] = await Promise.all([
    import("node:crypto"),
    import("node:os"),
    import("node:path"),
  ]);
  const name = `pglite-${createHash("sha256").update(named).digest("hex").slice(0, HASH_LENGTH)}`;
  if (platform === "linux") return { path: `\0${name}`, isFile: false };
  if (platform === "win32") return { path: `\\\\.\\pipe\\${name}`, isFile: false };
  return { path: paths.join(tmpdir(), `${name}.sock`), isFile: true };
}

async function listenAt(path: string): Promise<() => Promise<void>> {
  const { createServer } = await import("node:net");
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // Workers of node:cluster would share what they listen at.
    server.listen({ path, exclusive: true }, resolve);
  });
  // It keeps no process alive.
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** Removes the socket of a process that is gone; false if its process is there. */
async function removeLeft(path: string): Promise<boolean> {
  if (await isAnswered(path)) return false;
  const { rename, unlink } = await import("node:fs/promises");
  // Renamed, it is one process's to look at: whoever did the same a moment ago may listen at this path by now.
  const aside = `${path}.${Math.random().toString(36).slice(2)}`;
  try {
    await rename(path, aside);
    if (await isAnswered(aside)) {
      await rename(aside, path);
      return false;
    }
    await unlink(aside);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  return true;
}

async function isAnswered(path: string): Promise<boolean> {
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => answer(true));
    // A socket that isn't ours to ask is somebody's.
    socket.once("error", (error) => answer(!["ECONNREFUSED", "ENOENT"].includes(codeOf(error))));
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
