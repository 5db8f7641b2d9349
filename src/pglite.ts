/**
 * Streams over a Postgres inside the process: durable on one machine, with no server.
 *
 * @module
 */

import { leasePglite } from "./transports/postgres/pglite-instances.ts";
import { createDurableContext } from "./contexts/log.ts";
import type { PostgresStoreOptions } from "./contexts/postgres-options.ts";
import type { DurableStreamContext } from "./api/types.ts";
import { systemClock } from "./lib/clock.ts";
import { type PgliteClient, pgliteDatabase } from "./transports/postgres/pglite.ts";

export * from "./api/public.ts";
export type { PostgresStoreOptions } from "./contexts/postgres-options.ts";
export type { DurableStreamContext } from "./api/types.ts";
export type { PgliteClient } from "./transports/postgres/pglite.ts";

/** Options of a context over an embedded Postgres. */
export interface CreatePgliteResumableStreamContextOptions extends PostgresStoreOptions {
  /**
   * The folder that keeps the streams, made if it isn't there. One process at a time may have it open; contexts of one
   * process share it. @defaultValue in memory, shared by all contexts of the process
   */
  dataDir?: string;
  /** An instance of your own in place of `dataDir`. Never closed by us. @defaultValue one that we open */
  pglite?: PgliteClient;
}

/**
 * Creates a context over an embedded Postgres, by `@electric-sql/pglite`. Its tables are set up on first use.
 *
 * @example
 * const streams = createPgliteResumableStreamContext({ dataDir: "./streams", waitUntil: null });
 * const stream = await streams.resumableStream("chat-1", makeStream);
 *
 * @param options - `waitUntil` is required.
 * @throws TypeError naming the option that can't be used.
 */
export function createPgliteResumableStreamContext(
  options: CreatePgliteResumableStreamContextOptions,
): DurableStreamContext {
  return createDurableContext(options, {
    // The server is the process: when it restarts, no producer comes back.
    hasGrace: false,
    open: ({ tables }) => {
      const { dataDir, pglite } = options;
      if (dataDir !== undefined && (typeof dataDir !== "string" || dataDir === "")) {
        throw new TypeError(
          `dataDir must be the path of a folder, got ${dataDir === "" ? "an empty string" : typeof dataDir}.`,
        );
      }
      if (pglite !== undefined) checkPglite(pglite);
      return pgliteDatabase({
        tables,
        clock: systemClock,
        lease: async () =>
          pglite ? { client: pglite, isOurs: false, release: async () => undefined } : leasePglite(dataDir),
      });
    },
  });
}

function checkPglite(pglite: unknown): void {
  const hasMethods =
    typeof pglite === "object" &&
    pglite !== null &&
    "query" in pglite &&
    "exec" in pglite &&
    "listen" in pglite;
  if (!hasMethods) throw new TypeError(`pglite must be a PGlite instance, got ${typeof pglite}.`);
}
