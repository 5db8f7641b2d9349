// The log transport over Postgres.

import type { Transport } from "../../port/transport.ts";
import type { LogParts } from "../log/parts.ts";
import { logTransport } from "../log/transport.ts";
import type { PostgresParts } from "./parts.ts";
import { PostgresStore } from "./store.ts";

export function postgresTransport(context: PostgresParts, keyPrefix: string): Transport {
  return logTransport(postgresLog(context, keyPrefix));
}

/** A log over this database, as its parts see it. */
export function postgresLog(context: PostgresParts, keyPrefix: string): LogParts {
  const { clock, handOver, onError, settings } = context;
  const { flushIntervalMs, followedFlushIntervalMs, leaseMs, statementTimeoutMs } = settings;
  return {
    store: new PostgresStore(context, keyPrefix),
    settings: { flushIntervalMs, followedFlushIntervalMs, leaseMs, requestTimeoutMs: statementTimeoutMs },
    clock,
    handOver,
    onError,
  };
}
