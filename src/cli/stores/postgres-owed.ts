// Rows of Postgres whose text is owed to an app.

import { createPostgresParts } from "../../contexts/log.ts";
import { markOf } from "../../lib/position.ts";
import type { Row } from "../../transports/postgres/database.ts";
import { parseStatus, toNumber, toText } from "../../transports/postgres/parse.ts";
import { postgresLog } from "../../transports/postgres/transport.ts";
import type { OwedStore, OwedStream } from "./owed-streams.ts";
import { type OpenDatabase, openDatabase, streamIdOf } from "./postgres-database.ts";
import type { StoreOptions } from "./store.ts";

/** Rows a statement lists. */
const BATCH = 500;

export async function openPostgresOwed(options: StoreOptions): Promise<OwedStore> {
  const database = await openDatabase(options);
  const { ask, close, durable } = database;
  return {
    log: postgresLog(createPostgresParts(durable), durable.checked.keyPrefix),
    list: () => list(database),
    oweAgain: async ({ key, epoch }) => void (await ask("oweAgain", [key, epoch])),
    close,
  };
}

/** By their ids. */
async function* list({ ask, prefixes }: OpenDatabase): AsyncGenerator<OwedStream> {
  let after: [string, number] | [null, null] = [null, null];
  for (;;) {
    const rows: Row[] = await ask("owed", [prefixes, ...after, BATCH]);
    for (const row of rows) {
      const owed = toOwed(row, prefixes);
      after = [owed.key, owed.epoch];
      yield owed;
    }
    if (rows.length < BATCH) return;
  }
}

function toOwed(row: Row, prefixes: OpenDatabase["prefixes"]): OwedStream {
  const [key, epoch] = [toText(row, "stream_id"), toNumber(row, "epoch")];
  const status = parseStatus(toText(row, "status"));
  const facts = {
    streamId: streamIdOf(key, prefixes),
    generation: markOf(epoch),
    status: status === "running" || status === "lapsed" ? "lost" : status,
    tail: toNumber(row, "tail"),
    since: row["since"] instanceof Date ? row["since"].toISOString() : null,
    handOver: toText(row, "handover"),
  };
  return {
    key,
    epoch,
    isSuperseded: row["is_superseded"] === true,
    isNamed: !key.startsWith(prefixes[1]),
    facts,
  };
}
