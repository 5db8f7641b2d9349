// Statements for people who look after streams, apart from those that streams need: an app doesn't load them.

import { createFragments, type QueryOptions } from "./fragments.ts";
import { isOwed, nowMs, owedLeft, owedUntil } from "./handover-queries.ts";

export interface AdminQueries {
  list: string;
  show: string;
  remove: string;
  owed: string;
  oweAgain: string;
}

export function createAdminQueries(options: QueryOptions): AdminQueries {
  const { chunks, isLive, isThere, lease, sessions, state, status, tail } = createFragments(options);
  const expires = `(extract(epoch from (s.expires_at - clock_timestamp())))::float8 as expires_s`;
  return {
    // $1 beginnings of stream ids, $2 the last id of the rows before, or null; $3 how many at most.
    list: `select s.stream_id, ${state}, ${expires}
from ${sessions} s
where ${isThere} and ($2::text is null or s.stream_id > $2)
  and exists (select from unnest($1::text[]) as p(prefix) where starts_with(s.stream_id, p.prefix))
order by s.stream_id limit $3::int`,

    // $1 stream id.
    show: `select s.stream_id, ${state}, ${expires}, s.created_at, s.updated_at, s.error,
  s.stop_requested_at is not null as is_stop_requested,
  (select count(*) from ${chunks} c where c.stream_id = s.stream_id and c.epoch = s.epoch)::int as entries
from ${sessions} s where s.stream_id = $1 and ${isThere}`,

    // $1 stream id.
    remove: `delete from ${sessions} where stream_id = $1`,

    // $1 beginnings of stream ids, $2 the last id of the rows before and $3 its epoch, or nulls; $4 how many at most.
    // Streams that are over, and that no app has taken: a row for each claim, also for those that were superseded since. The
    // producer of one of these may still give its text within a lease. An epoch is the moment of its claim, in microseconds.
    owed: `select * from (
  select s.stream_id, s.epoch, ${tail} as tail, ${status} as status, s.updated_at as since, false as is_superseded,
    case when s.handover_until > clock_timestamp() then 'running' when s.handovers_left > 0 then 'due' else 'given-up' end as handover
  from ${sessions} s
  where ${isThere} and s.handovers_left is not null and not ${isLive}
  union all
  select s.stream_id, o.epoch,
    coalesce((select max(c.end_offset) from ${chunks} c where c.stream_id = s.stream_id and c.epoch = o.epoch), 0),
    'lost', o.since, true, case
      when o.since + ${lease} > clock_timestamp() or (s.owed_leases -> o.epoch::text ->> 0)::float8 > ${nowMs} then 'running'
      when (s.owed_leases -> o.epoch::text ->> 1)::int <= 0 then 'given-up' else 'due' end
  from ${sessions} s
  cross join lateral (
    select e as epoch, to_timestamp((lead(e, 1, s.epoch) over (order by e)) / 1000000.0) as since
    from (select abs(signed) as e from unnest(s.owed_epochs) as signed) as each
  ) o
  where ${isThere} and s.owed_epochs is not null
) owed
where exists (select from unnest($1::text[]) as p(prefix) where starts_with(stream_id, p.prefix))
  and ($2::text is null or (stream_id, epoch) > ($2, $3::bigint))
order by stream_id, epoch limit $4::int`,

    // $1 stream id, $2 epoch. A text that its app has failed to take as often as it is tried is tried once more.
    oweAgain: `with older as (
  update ${sessions} s set owed_leases = s.owed_leases || jsonb_build_object($2::bigint::text, jsonb_build_array(0, 1))
  where s.stream_id = $1 and ${isOwed} and ${owedLeft} <= 0 and ${owedUntil} <= ${nowMs}
)
update ${sessions} s set handovers_left = 1
where s.stream_id = $1 and s.epoch = $2::bigint and s.handovers_left = 0 and not ${isLive}
  and (s.handover_until is null or s.handover_until <= clock_timestamp())`,
  };
}
