// Whether a database is away, for all pools of this process that lead to it, and what is trouble of one pool only.

import type { Clock } from "../../lib/clock.ts";
import { shared } from "../../lib/shared.ts";
import { Outages } from "../log/outages.ts";
import { isServerError } from "./database.ts";
import { isPoolTrouble } from "./pool-trouble.ts";

const ofServers = shared("postgres-outages.1", () => new Map<string, Outages>());
const ofPools = shared("pool-outages.1", () => new WeakMap<object, Outages>());

/** Of a pool, for all contexts over it. Pools of this process to one database know of its outages from each other. */
export function outagesOf(pool: { options?: unknown }, clock: Clock): Outages {
  const outages = ofPools.get(pool) ?? new PoolOutages(clock, ofServer(serverOf(pool.options), clock));
  ofPools.set(pool, outages);
  return outages;
}

/** While a pool lends no connection nobody can renew a lease through it, whatever others do through theirs. */
class PoolOutages extends Outages {
  readonly #server: Outages;

  constructor(clock: Clock, server: Outages) {
    super(clock);
    this.#server = server;
  }

  override failed(sentAt: number, error: unknown): void {
    // The server may refuse this role alone.
    const isRefused = error instanceof Error && isServerError(error.cause);
    if (isPoolTrouble(error) || isRefused) super.failed(sentAt);
    else this.#server.failed(sentAt);
  }

  override succeeded(): void {
    super.succeeded();
    this.#server.succeeded();
  }

  override isNews(kind: string): boolean {
    return this.#server.isNews(kind);
  }

  override get isAway(): boolean {
    return super.isAway || this.#server.isAway;
  }

  override get isSettling(): boolean {
    return super.isSettling || this.#server.isSettling;
  }
}

/** A pool that doesn't say where it leads has a server of its own. */
function ofServer(name: string | undefined, clock: Clock): Outages {
  const outages = (name === undefined ? undefined : ofServers.get(name)) ?? new Outages(clock);
  if (name !== undefined) ofServers.set(name, outages);
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
