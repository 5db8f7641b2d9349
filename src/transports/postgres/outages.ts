// Whether a database is away, for all pools of this process that lead to it.

import type { Clock } from "../../lib/clock.ts";
import { shared } from "../../lib/shared.ts";
import { Outages } from "../log/outages.ts";

const ofServers = shared("postgres-outages.1", () => new Map<string, Outages>());

/** Of all pools of this process to one database; of a pool that doesn't say where it leads, its own. */
export function outagesOf(pool: { options?: unknown }, clock: Clock): Outages {
  const server = serverOf(pool.options);
  const known = server === undefined ? undefined : ofServers.get(server);
  const outages = known ?? new Outages(clock);
  if (server !== undefined) ofServers.set(server, outages);
  return outages;
}

function serverOf(options: unknown): string | undefined {
  if (typeof options !== "object" || options === null) return undefined;
  const { connectionString, host, port, database } = options as Record<string, unknown>;
  if (typeof connectionString === "string") {
    try {
      const { host: at, pathname } = new URL(connectionString);
      return `${at}${pathname}`;
    } catch {
      // Not a URL: a socket's path, say.
      return undefined;
    }
  }
  return typeof host === "string" ? JSON.stringify([host, port, database]) : undefined;
}
