// The store of whatever server is named.

import type { Arguments } from "../args.ts";
import type { World } from "../command.ts";
import { tableNames } from "../postgres-client.ts";
import { printable } from "../print.ts";
import { findTarget, type Target } from "../target.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { openRedisStore } from "./redis-store.ts";
import type { Store, StoreOptions } from "./store.ts";

export async function withStore<T>(
  args: Arguments,
  world: World,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(findTarget(args, world), storeOptions(args, world));
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

export function storeOptions({ keyPrefix }: Arguments, world: World): Omit<StoreOptions, "url"> {
  return {
    tables: tableNames(world),
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    onError: (error) => world.printError(printable(error.message)),
  };
}

export function openStore({ kind, url }: Target, options: Omit<StoreOptions, "url">): Promise<Store> {
  switch (kind) {
    case "redis":
      return openRedisStore({ ...options, url });
    case "postgres":
      return openPostgresStore({ ...options, url });
  }
}
