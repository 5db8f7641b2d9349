// Streams over Postgres: their rows.

import { createContext } from "../../api/context.ts";
import { createDurableTransport } from "../../contexts/log.ts";
import { systemClock } from "../../lib/clock.ts";
import type { StreamRecord } from "../../transports/log/store.ts";
import type { Row } from "../../transports/postgres/database.ts";
import { createKey } from "../../transports/postgres/names.ts";
import { parseRecord, toNumber } from "../../transports/postgres/parse.ts";
import { type OpenDatabase, openDatabase, streamIdOf } from "./postgres-database.ts";
import { follow, LastEnd, STOP, type Store, type StreamFacts, type StoreOptions } from "./store.ts";

/** Rows a statement lists. */
const BATCH = 500;

type Parts = Pick<OpenDatabase, "ask" | "prefixes"> & { keyPrefix: string };

export async function openPostgresStore(options: StoreOptions): Promise<Store> {
  const last = new LastEnd();
  const { durable, close, ...opened } = await openDatabase({ ...options, onEvent: last.onEvent });
  const { checked } = durable;
  const transport = createDurableTransport(durable);
  const context = createContext({ transport, options: checked, clock: systemClock });
  const { keyPrefix } = checked;
  const parts: Parts = { ...opened, keyPrefix };
  return {
    list: () => list(parts),
    show: (streamId) => show(parts, streamId),
    tail: (streamId, from) => follow({ context, transport, last }, { streamId, from }),
    stop: (streamId) => context.stopStream(streamId, STOP),
    context,
    remove: async (streamId) => void (await parts.ask("remove", [createKey(keyPrefix, streamId)])),
    close: async () => {
      await context.close();
      await close();
    },
  };
}

async function* list({ ask, prefixes }: Parts): AsyncGenerator<StreamFacts> {
  let after: string | null = null;
  for (;;) {
    const rows: Row[] = await ask("list", [prefixes, after, BATCH]);
    for (const row of rows) {
      const key = String(row["stream_id"]);
      after = key;
      const streamId = streamIdOf(key, prefixes);
      const { status, tail } = parseRecord(row);
      yield { streamId, status: toFact(status), tail, expiresInSeconds: toExpiry(row) };
    }
    if (rows.length < BATCH) return;
  }
}

async function show({ ask, keyPrefix }: Parts, streamId: string): Promise<StreamFacts | undefined> {
  const [row] = await ask("show", [createKey(keyPrefix, streamId)]);
  if (!row) return undefined;
  const { status, epoch, leaseMs, tail, watchedMs } = parseRecord(row);
  return {
    streamId,
    status: toFact(status),
    expiresInSeconds: toExpiry(row),
    tail,
    epoch: epoch || null,
    entries: toNumber(row, "entries"),
    createdAt: toTime(row["created_at"]),
    updatedAt: toTime(row["updated_at"]),
    leaseMs: leaseMs === undefined ? null : Math.round(leaseMs),
    isFollowed: watchedMs > 0,
    isStopRequested: row["is_stop_requested"] === true,
    error: typeof row["error"] === "string" ? row["error"] : null,
  };
}

/** A lapsed lease is a dead producer's. */
function toFact(status: StreamRecord["status"]): StreamFacts["status"] {
  return status === "lapsed" ? "lost" : status;
}

function toExpiry(row: Row): number | null {
  return row["expires_s"] === null ? null : Math.round(toNumber(row, "expires_s"));
}

function toTime(value: unknown): string | null {
  return value instanceof Date ? value.toISOString() : null;
}
