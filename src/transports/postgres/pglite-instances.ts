// Embedded databases of this process: one a folder, shared by all contexts, closed by the last.

import { shared } from "../../lib/shared.ts";
import type { LeasedPglite, PgliteClient } from "./pglite.ts";

interface Instance {
  opening: Promise<PgliteClient>;
  users: number;
}

/** The instance of a folder, or of memory if there is none. */
export async function leasePglite(dataDir: string | undefined): Promise<LeasedPglite> {
  const instances = sharedInstances();
  const name = await nameOf(dataDir);
  const instance = instances.get(name) ?? { opening: openPglite(dataDir), users: 0 };
  instances.set(name, instance);
  instance.users += 1;
  const release = async (): Promise<void> => {
    instance.users -= 1;
    if (instance.users > 0) return;
    if (instances.get(name) === instance) instances.delete(name);
    const client = await instance.opening;
    await client.close();
  };
  try {
    return { client: await instance.opening, isOurs: true, release };
  } catch (error) {
    if (instances.get(name) === instance) instances.delete(name);
    throw error;
  }
}

/** One for each folder, however its path is written. */
async function nameOf(dataDir = "memory://"): Promise<string> {
  const folder = dataDir.replace(/^file:\/\//, "");
  // "memory://", and what browsers have in place of folders.
  if (/^[a-z-]+:\/\//.test(folder)) return folder;
  const path = await import("node:path");
  return path.resolve(folder);
}

/** Two instances on one folder would destroy it. */
function sharedInstances(): Map<string, Instance> {
  return shared("pglite.1", () => new Map<string, Instance>());
}

async function openPglite(dataDir: string | undefined): Promise<PgliteClient> {
  const { PGlite } = await importing(import("@electric-sql/pglite"));
  return PGlite.create(dataDir);
}

async function importing<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    const message =
      'Cannot load the "@electric-sql/pglite" package: run "npm install @electric-sql/pglite", or pass an instance as pglite.';
    throw new TypeError(message, { cause });
  }
}
