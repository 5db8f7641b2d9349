// Whether this process's database is away, or has just come back. While it is away no caller waits for it a second time, and
// nobody can renew a lease: a lapsed one tells nothing of its producer before that has had the time to come back, too.

import type { Clock } from "../../lib/clock.ts";
import { shared } from "../../lib/shared.ts";

/** A producer tries again after a second at most, and a client may wait some before it connects. */
const SETTLING_MS = 5_000;

export class Outages {
  readonly #clock: Clock;
  #isAway = false;
  /** When a statement was last answered; absent until one was. */
  #answeredAt: number | undefined;
  /** When the database was last back; absent if it never was away. */
  #backAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A statement got no answer. Not where another that was sent since did: then it was that statement's own trouble. */
  failed(sentAt: number): void {
    this.#isAway ||= (this.#answeredAt ?? sentAt) <= sentAt;
  }

  succeeded(): void {
    this.#answeredAt = this.#clock.now();
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#backAt = this.#clock.now();
  }

  /** A statement got no answer, and none that was sent since. */
  get isAway(): boolean {
    return this.#isAway;
  }

  get isSettling(): boolean {
    const isJustBack = this.#backAt !== undefined && this.#clock.now() - this.#backAt < SETTLING_MS;
    return this.#isAway || isJustBack;
  }
}

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
