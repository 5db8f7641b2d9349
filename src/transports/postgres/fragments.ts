// What several statements say alike.

import { MAX_OUTAGE_MS, SETTLING_MS } from "../log/outages.ts";
import { quoted, type TableNames } from "./schema.ts";

/**
 * How long a statement waits for a row that somebody else has locked: less than its deadline, which would leave it waiting on the
 * server, on a connection that nobody has any more.
 */
const LOCK_TIMEOUT_MS = 2_000;
/** The same for a statement of many streams, each of which asks alone after it. */
const SHARED_LOCK_TIMEOUT_MS = 100;

/**
 * A condition that is looked at before any row. For the statement's own transaction, so that a pooler's next user has none of it.
 * `isAlone` is an expression for whether the statement is one stream's.
 */
export function waitsNotLong(isAlone = "true"): string {
  const limit = `case when ${isAlone} then '${LOCK_TIMEOUT_MS}' else '${SHARED_LOCK_TIMEOUT_MS}' end`;
  return `(select set_config('lock_timeout', ${limit}, true)) is not null`;
}

/** The status of a stream whose lease has lapsed in a database that takes no writes: nobody could renew it. */
export const READ_ONLY = "read-only";

export interface QueryOptions {
  tables: TableNames;
  leaseMs: number;
  /** Whether a lease outlasts a restart of the server: producers get as long to come back. */
  hasGrace: boolean;
}

/** `s` is a row of the sessions. */
export function createFragments({ tables, leaseMs, hasGrace }: QueryOptions): Record<Fragment, string> {
  const sessions = quoted(tables.sessions);
  const chunks = quoted(tables.chunks);
  const lease = `${Math.ceil(leaseMs)} * interval '1 millisecond'`;
  // A row of the older version has no lease: its last write counts as one.
  const ownLease = `coalesce(s.lease_expires_at, s.updated_at + ${lease})`;
  // While the server was down nobody could renew a lease, so it can't lapse before producers had their chance.
  const grace = `${Math.ceil(Math.max(leaseMs, SETTLING_MS))} * interval '1 millisecond'`;
  const leaseEnd = hasGrace ? `greatest(${ownLease}, pg_postmaster_start_time() + ${grace})` : ownLease;
  const isOpen = "s.status in ('streaming', 'pending')";
  const isLive = `(${isOpen} and ${leaseEnd} > clock_timestamp())`;
  const isThere = "(s.expires_at is null or s.expires_at > clock_timestamp())";
  // For as long as producers go on trying.
  const isReadOnly = `(current_setting('transaction_read_only')::boolean
      and ${leaseEnd} > clock_timestamp() - ${MAX_OUTAGE_MS} * interval '1 millisecond')`;
  const status = `case when ${isOpen} and not ${isLive} then case when ${isReadOnly} then '${READ_ONLY}' else 'lapsed' end
      when s.status = 'failed' and s.error = 'PRODUCER_LOST' then 'lost' else s.status end`;
  const handover = `case when s.handover_until > clock_timestamp() then 'running' when s.handovers_left > 0 then 'due' end`;
  const entries = `min(c.start_offset) as start, max(c.end_offset) as stop,
    string_agg(c.chunk, '' order by c.seq) filter (where c.encoding is null) as plain,
    json_agg(json_build_array(c.start_offset, c.end_offset, c.chunk) order by c.seq)
      filter (where c.encoding is not null) as encoded`;
  // The older version kept no exact last offset.
  const tail = `case when s.epoch > 0 then s.last_offset else
      coalesce((select max(c.end_offset) from ${chunks} c where c.stream_id = s.stream_id), 0) end`;
  const remaining = (moment: string): string =>
    `(extract(epoch from (${moment} - clock_timestamp())) * 1000)::float8`;
  const state = `s.epoch, ${tail} as tail, ${status} as status, ${handover} as handover,
    case when ${isOpen} then ${remaining(leaseEnd)} end as lease_ms, ${remaining("s.watched_until")} as watched_ms`;
  return { chunks, entries, handover, isLive, isOpen, isThere, lease, sessions, state, status, tail };
}

export type Fragment =
  | "chunks"
  | "entries"
  | "handover"
  | "isLive"
  | "isOpen"
  | "isThere"
  | "lease"
  | "sessions"
  | "state"
  | "status"
  | "tail";
