// Every SQL statement of the transport, named. Time is the server's; a batch travels as one JSON parameter.

import { createFragments, type QueryOptions, waitsNotLong } from "./fragments.ts";
import { createHandoverQueries, type HandoverQueries } from "./handover-queries.ts";

export interface Queries extends HandoverQueries {
  claim: string;
  append: string;
  renew: string;
  read: string;
  check: string;
  mark: string;
  status: string;
  stop: string;
  lastEnd: string;
  release: string;
  notify: string;
  expire: string;
  abandon: string;
}

export function createQueries(options: QueryOptions): Queries {
  const leaseMs = Math.ceil(options.leaseMs);
  const fragments = createFragments(options);
  const { chunks, entries, handover, isLive, isOpen, isThere, lease, sessions, state, status, tail } =
    fragments;
  // A text that was empty is told from one that was lost.
  const owedEpoch = "case when s.last_offset = 0 then -s.epoch else s.epoch end";
  const isOwn = "(s.stop_reason is not distinct from $7)";
  const isOwnStop =
    "(s.status = 'stopped' and s.stop_requested_at > clock_timestamp() - $4::float8 * interval '1 millisecond')";
  const request = requests("$1", "q(n int, stream_id text)");

  return {
    // $1 stream ids, $2 mode, $3 retention in ms, $4 how often a text may be given to the app, or null if the app doesn't want
    // it, $5 whether what the app was to get of the stream before is given up, $6 whether it waits for rows that somebody has
    // locked: those are passed over and told as busy otherwise, $7 a name of its own, kept in place of a reason until somebody stops
    // the stream: it may run twice, and is one claim then. One that runs once more when its stream is written or over, as a server
    // may that was thought dead, does nothing. A stream that isn't in the answer isn't free.
    // Epochs start from the clock, so that a row that was deleted and made again has a higher one.
    claim: `with input as (
  select value as stream_id from (select * from json_array_elements_text($1::json) limit (select json_array_length($1::json))) i
), unlocked as (
  select s.stream_id from input i join ${sessions} s on s.stream_id = i.stream_id where not $6::boolean
  for update of s skip locked
), asked as (
  select i.stream_id from input i where $6::boolean
    or not exists (select from ${sessions} s where s.stream_id = i.stream_id)
    or exists (select from unlocked u where u.stream_id = i.stream_id)
), claimed as (
  insert into ${sessions} as s (stream_id, status, epoch, last_offset, lease_expires_at, expires_at, handovers_left, stop_reason)
  select a.stream_id, 'streaming', (extract(epoch from clock_timestamp()) * 1000000)::bigint, 0, clock_timestamp() + ${lease},
    clock_timestamp() + greatest($3::float8, ${2 * leaseMs}) * interval '1 millisecond', $4::smallint, $7
  from asked a where ${waitsNotLong("$6")}
  order by a.stream_id
  on conflict (stream_id) do update set
    status = 'streaming', epoch = case when ${isOwn} then s.epoch else greatest(s.epoch + 1, excluded.epoch) end, last_offset = 0,
    created_at = now(), updated_at = now(),
    lease_expires_at = clock_timestamp() + ${lease}, expires_at = excluded.expires_at,
    error = null, stop_requested_at = null, stop_reason = $7, watched_until = null,
    handovers_left = excluded.handovers_left, handover_until = null,
    owed_epochs = case when ${isThere} and s.handovers_left > 0 and not ${isOwn} then array_append(s.owed_epochs, ${owedEpoch}) else s.owed_epochs end
  where case when ${isOwn} then s.status = 'streaming' and s.updated_at = s.created_at
    when not ($4::smallint is null or $5::boolean or ${isLive} or not ${isThere} or ${handover} is null) then false
    when $2::text = 'supersede' then true
    when $2 = 'if-absent' then not ${isThere}
    else not ${isThere} or s.status = 'failed' or (${isOpen} and not ${isLive})
  end
  returning s.stream_id, s.epoch, s.owed_epochs, s.xmax::text <> '0' as was_there
), cleared as (
  delete from ${chunks} c using claimed
  where c.stream_id = claimed.stream_id and c.epoch < claimed.epoch and c.epoch <> all(coalesce(claimed.owed_epochs, '{}'))
)
select stream_id, epoch, was_there, (select string_agg(abs(owed)::text, ' ') from unnest(owed_epochs) owed) as owed_epochs,
  false as is_busy from claimed
union all
select i.stream_id, null, null, null, true from input i where not exists (select from asked a where a.stream_id = i.stream_id)`,

    // $1 the streams: their tail after these rows, and an end if there is one; $2 the rows; $3 retention in ms.
    // A stream that isn't in the answer was fenced. All of it may be repeated when its answer is lost.
    // A server that lost what it had acknowledged has less than a stream's rows begin at: told by \`has\`, and nothing is written.
    // A row that somebody has locked is passed over and told as busy, so that it holds up nobody's text but its own stream's.
    append: `with input as (
  select * from ${requests("$1", 'i(stream_id text, epoch bigint, "from" bigint, tail bigint, ended text, error text, owed smallint)')}
), free as (
  select s.stream_id from input i join ${sessions} s on s.stream_id = i.stream_id
  where s.epoch = i.epoch and (s.status = 'streaming' or s.status = i.ended) and s.last_offset >= i."from"
  for update of s skip locked
), held as (
  update ${sessions} s set
    last_offset = greatest(s.last_offset, i.tail),
    status = coalesce(i.ended, s.status),
    error = coalesce(i.error, s.error),
    handovers_left = case when i.ended is null then s.handovers_left else i.owed end,
    updated_at = now(),
    lease_expires_at = clock_timestamp() + ${lease},
    expires_at = case
      when i.ended is not null then clock_timestamp() + $3::float8 * interval '1 millisecond'
      when s.expires_at < clock_timestamp() + greatest($3::float8, ${2 * leaseMs}) / 2 * interval '1 millisecond'
        then clock_timestamp() + greatest($3::float8, ${2 * leaseMs}) * interval '1 millisecond'
      else s.expires_at
    end
  from free f join input i on i.stream_id = f.stream_id
  where s.stream_id = f.stream_id and s.epoch = i.epoch and (s.status = 'streaming' or s.status = i.ended)
  returning s.stream_id, s.epoch, s.stop_requested_at is not null as is_stopped, s.stop_reason,
    coalesce(s.watched_until > clock_timestamp(), false) as is_watched
), written as (
  insert into ${chunks} (stream_id, epoch, seq, start_offset, end_offset, chunk, encoding)
  select h.stream_id, h.epoch, r.start, r.start, r.stop, r.chunk, r.encoding
  from ${requests("$2", "r(stream_id text, start bigint, stop bigint, chunk text, encoding text)")}
  join held h on h.stream_id = r.stream_id
  on conflict do nothing
)
select stream_id, is_stopped, stop_reason, is_watched, false as is_busy, null::bigint as has from held
union all
select i.stream_id, false, null, false, s.last_offset >= i."from", s.last_offset from input i join ${sessions} s on s.stream_id = i.stream_id
where s.epoch = i.epoch and (s.status = 'streaming' or s.status = i.ended)
  and not exists (select 1 from held h where h.stream_id = i.stream_id)`,

    // $1 the streams. Without a word of the chunks, whose table may be locked, full or forbidden.
    renew: `update ${sessions} s set lease_expires_at = clock_timestamp() + ${lease}
from (
  select s.stream_id from ${requests("$1", "i(stream_id text, epoch bigint)")} join ${sessions} s on s.stream_id = i.stream_id
  where s.epoch = i.epoch and s.status = 'streaming'
  for update of s skip locked
) free
where s.stream_id = free.stream_id`,

    // $1 the requests. One snapshot for status and text. A row's seq is its start offset, so that a page is a range of the
    // key; in rows of the older version (epoch 0) it is only an order.
    read: `select q.n, ${state}, t.start, t.stop, t.plain, t.encoded
from ${requests("$1", 'q(n int, stream_id text, "from" bigint, units int, bound boolean)')}
join ${sessions} s on s.stream_id = q.stream_id and ${isThere}
left join lateral (
  select ${entries}
  from ${chunks} c
  where c.stream_id = s.stream_id and c.epoch = s.epoch
    and c.seq >= case when s.epoch = 0 then 0 else coalesce((
      select p.seq from ${chunks} p
      where p.stream_id = s.stream_id and p.epoch = s.epoch and p.seq <= q."from"
      order by p.seq desc limit 1), 0) end
    and c.seq < case when s.epoch = 0 then 9223372036854775807 else q."from" + q.units end
    and c.start_offset < q."from" + q.units and c.end_offset > q."from"
) t on q.units > 0 and (q.bound or s.status not in ('done', 'stopped'))`,

    // $1 the streams, $2 channel, $3 a proof for the listener or null. A row for each stream, so that the proof is sent.
    check: `select q.n, ${state}, (select pg_notify($2, $3) where $3::text is not null) as proof
from ${request}
left join ${sessions} s on s.stream_id = q.stream_id and ${isThere}`,

    // $1 the streams, $2 for how long, in ms. A row that is being written is passed over, so that this waits for nobody.
    // \`is_news\`: its producer gathers text still.
    mark: `update ${sessions} s set watched_until = clock_timestamp() + $2::float8 * interval '1 millisecond'
from (
  select q.n, s.stream_id, coalesce(s.watched_until <= clock_timestamp(), true) as is_news
  from ${request}
  join ${sessions} s on s.stream_id = q.stream_id and s.status = 'streaming'
  for update of s skip locked
) free
where s.stream_id = free.stream_id
returning free.n, free.is_news, ${state}`,

    // $1 stream id.
    status: `select s.epoch, ${status} as status, ${handover} as handover from ${sessions} s where s.stream_id = $1 and ${isThere}`,

    // $1 stream id, $2 reason, $3 the epoch to stop and no other, or null, $4 within how many ms it may have run before: what was
    // stopped since may be its own doing.
    stop: `update ${sessions} s set stop_requested_at = now(), stop_reason = $2
where ${waitsNotLong()} and s.stream_id = $1 and ${isThere} and (${isOpen} or ${isOwnStop}) and ($3::bigint is null or s.epoch = $3)
returning s.epoch`,

    // $1 stream id. No row: it isn't there, or hasn't ended well.
    lastEnd: `select s.epoch, ${tail} as tail, s.status from ${sessions} s
where s.stream_id = $1 and ${isThere} and s.status in ('done', 'stopped')`,

    ...createHandoverQueries(fragments),

    // $1 stream id, $2 epoch. For a claim that nobody writes under: whoever looks finds it lapsed, and has nothing to hand over.
    release: `update ${sessions} set lease_expires_at = now(), handovers_left = null
where ${waitsNotLong()} and stream_id = $1 and epoch = $2::bigint and status = 'streaming'`,

    // $1 pairs of a channel and a payload. Apart from the append: transactions that notify commit one after another in all of a database,
    // and would wait there for each other's disk. A hint needs none.
    notify: `select pg_notify(said ->> 0, said ->> 1), set_config('synchronous_commit', 'off', true)
from json_array_elements($1::json) said`,

    // $1 how many at most.
    expire: `with expired as (
  select stream_id from ${sessions} where expires_at <= now() limit $1::int for update skip locked
), cleared as (
  delete from ${chunks} c using expired where c.stream_id = expired.stream_id returning 1
), removed as (
  delete from ${sessions} s using expired where s.stream_id = expired.stream_id returning 1
)
select (select count(*) from removed)::int as sessions, (select count(*) from cleared)::int as chunks`,

    // For a database that no other process can have open: whoever held a lease is gone.
    abandon: `update ${sessions} set lease_expires_at = now() where status = 'streaming'`,
  };
}

/**
 * The rows of a JSON parameter. The planner takes json_to_recordset for 100 rows, and would read a whole table of sessions for
 * them; for a limit that it doesn't know it takes a tenth of that. It doesn't know what a subquery gives, whereas a limit by the
 * parameter itself made each execution cheaper to plan for anew: 0.3 ms each time, twice what it took to run.
 */
function requests(parameter: string, columns: string): string {
  const [name = ""] = columns.split("(");
  return `(select * from json_to_recordset(${parameter}::json) as ${columns} limit (select json_array_length(${parameter}::json))) ${name}`;
}
