// Embedded databases of this process: one a folder, shared by all contexts, closed by the last.

import { shared } from "../../lib/shared.ts";
import type { LeasedPglite, PgliteClient } from "./pglite.ts";
import { folderOf, lockFolder } from "./pglite-folder.ts";

interface OpenInstance {
  client: PgliteClient;
  /** Other processes may open its folder. */
  unlock: () => Promise<void>;
}

interface Instance {
  opening: Promise<OpenInstance>;
  users: number;
  /** Absent while there are users. */
  closing: Promise<void> | undefined;
}

/** The instance of a folder, or of memory if there is none. */
export async function leasePglite(dataDir = "memory://"): Promise<LeasedPglite> {
  const instances = sharedInstances();
  const folder = await folderOf(dataDir);
  const name = folder ?? dataDir;
  let instance = instances.get(name);
  // The last user's close may be under way still.
  while (instance?.closing) {
    // Its failure is told to whoever closed it.
    await instance.closing.catch(() => undefined);
    instance = instances.get(name);
  }
  instance ??= { opening: openPglite(dataDir, folder), users: 0, closing: undefined };
  const leased = instance;
  instances.set(name, leased);
  leased.users += 1;
  const release = (): Promise<void> => {
    leased.users -= 1;
    if (leased.users === 0) leased.closing = close(leased).finally(() => instances.delete(name));
    return leased.closing ?? Promise.resolve();
  };
  try {
    return { client: (await leased.opening).client, isOurs: true, release };
  } catch (error) {
    if (instances.get(name) === leased) instances.delete(name);
    throw error;
  }
}

async function close({ opening }: Instance): Promise<void> {
  const { client, unlock } = await opening;
  try {
    await client.close();
  } finally {
    await unlock();
  }
}

/** Two instances on one folder would destroy it. */
function sharedInstances(): Map<string, Instance> {
  return shared("pglite.2", () => new Map<string, Instance>());
}

async function openPglite(dataDir: string, folder: string | undefined): Promise<OpenInstance> {
  const { PGlite } = await importing(import("@electric-sql/pglite"));
  const unlock = folder === undefined ? () => Promise.resolve() : await lockFolder(folder);
  try {
    return { client: await PGlite.create(dataDir), unlock };
  } catch (error) {
    await unlock();
    throw error;
  }
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
