// The part that contexts over a server and over an embedded database share: options in, a context over the log transport out.

import { systemClock } from "../lib/clock.ts";
import { systemRandom } from "../lib/random.ts";
import type { Database } from "../transports/postgres/database.ts";
import { createChannel } from "../transports/postgres/names.ts";
import type { PostgresParts } from "../transports/postgres/parts.ts";
import { SILENCE_MS } from "../transports/postgres/store.ts";
import { postgresTransport } from "../transports/postgres/transport.ts";
import { createQueries } from "../transports/postgres/queries.ts";
import type { TableNames } from "../transports/postgres/schema.ts";
import type { Transport } from "../port/transport.ts";
import { createContext } from "../api/context.ts";
import type { ResumableStreamError } from "../port/errors.ts";
import { type CheckedOptions, checkOptions } from "../api/options.ts";
import {
  type CheckedPostgresOptions,
  checkPostgresOptions,
  type PostgresStoreOptions,
} from "./postgres-options.ts";
import type { DurableStreamContext } from "../api/types.ts";

export interface DatabaseParts {
  tables: TableNames;
  onError: (error: ResumableStreamError) => void;
}

export interface DurableParts {
  checked: CheckedOptions;
  postgres: CheckedPostgresOptions;
  database: Database;
  hasGrace: boolean;
}

export function createDurableContext(
  options: PostgresStoreOptions,
  { open, hasGrace }: { open: (parts: DatabaseParts) => Database; hasGrace: boolean },
): DurableStreamContext {
  const checked = checkOptions(options);
  const postgres = checkPostgresOptions(options, checked);
  const { replays, tables } = postgres;
  const database = open({ tables, onError: checked.onError });
  const transport = createDurableTransport({ checked, postgres, database, hasGrace });
  // One check looks at the rows of all followers of a process: their own silence is no reason for reads of their own.
  const livenessMs = Math.max(checked.livenessMs, SILENCE_MS);
  return createContext({ transport, options: { ...checked, livenessMs }, clock: systemClock, replays });
}

export function createDurableTransport(durable: DurableParts): Transport {
  return postgresTransport(createPostgresParts(durable), durable.checked.keyPrefix);
}

/** Shared by the parts of one context's transport. */
export function createPostgresParts({ checked, postgres, database, hasGrace }: DurableParts): PostgresParts {
  const { settings, tables } = postgres;
  return {
    settings,
    queries: createQueries({ tables, leaseMs: settings.leaseMs, hasGrace }),
    database,
    running: new Set(),
    channel: createChannel(tables.sessions),
    clock: systemClock,
    random: systemRandom,
    handOver: checked.handOver,
    onError: checked.onError,
  };
}
