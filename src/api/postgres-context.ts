// What contexts over a server and over an embedded database share: options in, a context over the log transport out.

import { systemClock } from "../lib/clock.ts";
import type { Database } from "../transports/postgres/database.ts";
import { createChannel } from "../transports/postgres/names.ts";
import { postgresTransport } from "../transports/postgres/postgres.ts";
import { createQueries } from "../transports/postgres/queries.ts";
import type { TableNames } from "../transports/postgres/schema.ts";
import { createContext } from "./context.ts";
import type { ResumableStreamError } from "./errors.ts";
import { checkOptions } from "./options.ts";
import { checkPostgresOptions, type PostgresStoreOptions } from "./postgres-options.ts";
import type { DurableStreamContext } from "./types.ts";

export interface DatabaseParts {
  tables: TableNames;
  onError: (error: ResumableStreamError) => void;
}

export function createDurableContext(
  options: PostgresStoreOptions,
  { open, hasGrace }: { open: (parts: DatabaseParts) => Database; hasGrace: boolean },
): DurableStreamContext {
  const checked = checkOptions(options);
  const { settings, tables } = checkPostgresOptions(options, checked);
  const { keyPrefix, onError } = checked;
  const transport = postgresTransport(
    {
      settings,
      queries: createQueries({ tables, leaseMs: settings.leaseMs, hasGrace }),
      database: open({ tables, onError }),
      channel: createChannel(tables.sessions),
      clock: systemClock,
      onError,
    },
    keyPrefix,
  );
  return createContext({ transport, options: checked, clock: systemClock });
}
