/**
 * Streams over Postgres: their text outlives the process that produced it.
 *
 * @module
 */

import { ResumableStreamError } from "./port/errors.ts";
import { createDurableContext } from "./contexts/log.ts";
import { checkPool, type CreatePostgresResumableStreamContextOptions } from "./contexts/postgres-options.ts";
import type { DurableStreamContext } from "./api/types.ts";
import { systemClock } from "./lib/clock.ts";
import { poolDatabase } from "./transports/postgres/pool.ts";

export * from "./api/public.ts";
export type {
  CreatePostgresResumableStreamContextOptions,
  PostgresStoreOptions,
} from "./contexts/postgres-options.ts";
export type { DurableStreamContext } from "./api/types.ts";
export type { PostgresClient, PostgresPool } from "./transports/postgres/pool-port.ts";

/**
 * Creates a context over Postgres. Its tables are made by `npx resumable-stream postgres setup`.
 *
 * @example
 * const streams = createPostgresResumableStreamContext({ pool: new Pool({ connectionString }), waitUntil: after });
 * const stream = await streams.resumableStream("chat-1", makeStream);
 *
 * @param options - `pool` and `waitUntil` are required.
 * @throws TypeError naming the option that can't be used.
 */
export function createPostgresResumableStreamContext(
  options: CreatePostgresResumableStreamContextOptions,
): DurableStreamContext {
  return createDurableContext(options, {
    hasGrace: true,
    open: ({ onError }) => {
      const { pool, listenerPool } = options;
      checkPool("pool", pool);
      if (listenerPool !== undefined) checkPool("listenerPool", listenerPool);
      const report = (cause: unknown): void => {
        const message = "A connection to Postgres broke while it was idle. The pool makes another.";
        onError(new ResumableStreamError("TRANSPORT_UNAVAILABLE", message, { cause }));
      };
      return poolDatabase({ pool, listenerPool, clock: systemClock, onError: report });
    },
  });
}
