// Statements that elect who gives the app a text. Apart from the others, which streams need all the time.

import { MAX_HANDOVERS } from "../log/handovers.ts";
import { type Fragment, waitsNotLong } from "./fragments.ts";

/** $2 is the epoch of a claim that was superseded: it is on the row's list if its text is owed. */
export const isOwed: string = "(s.owed_epochs && array[$2::bigint, -$2::bigint])";
export const owedUntil: string = "coalesce((s.owed_leases -> $2::bigint::text ->> 0)::float8, 0)";
export const owedLeft: string = `coalesce((s.owed_leases -> $2::bigint::text ->> 1)::int, ${MAX_HANDOVERS})`;
export const nowMs: string = "(extract(epoch from clock_timestamp()) * 1000)::float8";

export interface HandoverQueries {
  elect: string;
  handedOver: string;
  takeOwed: string;
}

export function createHandoverQueries({
  chunks,
  entries,
  isLive,
  isOpen,
  isThere,
  sessions,
  status,
  tail,
}: Record<Fragment, string>): HandoverQueries {
  return {
    // $1 stream id, $2 for how long, in ms. Elects who gives the app what a dead producer left, or a live one failed to give, and
    // reads it. The stream is lost from here on, whatever its producer does when it wakes.
    elect: `with elected as (
  update ${sessions} s set handovers_left = s.handovers_left - 1,
    handover_until = clock_timestamp() + $2::float8 * interval '1 millisecond',
    status = case when ${isOpen} then 'failed' else s.status end,
    error = case when ${isOpen} then 'PRODUCER_LOST' else s.error end
  where ${waitsNotLong()} and s.stream_id = $1 and ${isThere} and s.handovers_left > 0 and not ${isLive}
    and (s.handover_until is null or s.handover_until <= clock_timestamp())
  returning s.stream_id, s.epoch, ${tail} as tail, ${status} as status, (extract(epoch from s.created_at) * 1000)::float8 as started_ms
)
select e.epoch, e.tail, e.status, e.started_ms, t.* from elected e
cross join lateral (select ${entries} from ${chunks} c where c.stream_id = e.stream_id and c.epoch = e.epoch) t`,

    // $1 stream id, $2 epoch, $3 whether the app has taken it: of the claim that has the row, or of one that was superseded. A failure
    // is tried once more.
    handedOver: `with current as (
  update ${sessions} s set handover_until = null,
    handovers_left = case when $3::boolean then null else least(s.handovers_left, 1) end
  where ${waitsNotLong()} and s.stream_id = $1 and s.epoch = $2::bigint
), older as (
  update ${sessions} s set
    owed_epochs = case when $3::boolean then nullif(array_remove(array_remove(s.owed_epochs, $2::bigint), -$2::bigint), '{}') else s.owed_epochs end,
    owed_leases = case when $3::boolean then nullif(s.owed_leases - $2::bigint::text, '{}')
      else coalesce(s.owed_leases, '{}') || jsonb_build_object($2::bigint::text, jsonb_build_array(0, least(${owedLeft}, 1))) end
  where ${waitsNotLong()} and s.stream_id = $1 and s.epoch <> $2::bigint and ${isOwed}
  returning s.stream_id
)
delete from ${chunks} c using older where $3::boolean and c.stream_id = older.stream_id and c.epoch = $2::bigint`,

    // $1 stream id, $2 epoch of a claim that was superseded, $3 for how long, in ms. Elects who gives the app its text; a row always.
    // `is_empty`: it had no text when it was superseded, which the list says by a negative number.
    takeOwed: `with taken as (
  update ${sessions} s set owed_leases = coalesce(s.owed_leases, '{}') ||
    jsonb_build_object($2::bigint::text, jsonb_build_array(${nowMs} + ceil($3::float8), ${owedLeft} - 1))
  where ${waitsNotLong()} and s.stream_id = $1 and ${isOwed} and ${owedLeft} > 0 and ${owedUntil} <= ${nowMs}
  returning s.stream_id
), c as (
  select c.seq, c.start_offset, c.end_offset, c.chunk, c.encoding from ${chunks} c
  join taken on c.stream_id = taken.stream_id where c.epoch = $2::bigint
)
select exists (select from taken) as is_taken, t.is_there, t.is_empty, t.lease_ms, ${entries}
from (
  select count(*) > 0 as is_there, coalesce(bool_or(-$2::bigint = any(s.owed_epochs)), false) as is_empty,
    coalesce(max(${owedUntil}), 0) - ${nowMs} as lease_ms
  from ${sessions} s where s.stream_id = $1
) t left join c on true
group by t.is_there, t.is_empty, t.lease_ms`,
  };
}
