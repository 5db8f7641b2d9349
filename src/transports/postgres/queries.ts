// Every SQL statement of the transport, named. Time is the server's; a batch travels as one JSON parameter.

import { SETTLING_MS } from "../log/outages.ts";
import { quoted, type TableNames } from "./schema.ts";

/**
 * How long a statement waits for a row that somebody else has locked: less than its deadline, which would leave it waiting on the
 * server, on a connection that nobody has any more.
 */
const LOCK_TIMEOUT_MS = 2_000;
/** A condition that is looked at before any row. For the statement's own transaction, so that a pooler's next user has none of it. */
const waitsNotLong = `(select set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true)) is not null`;

export interface Queries {
  claim: string;
  append: string;
  read: string;
  check: string;
  mark: string;
  status: string;
  stop: string;
  lastEnd: string;
  elect: string;
  handedOver: string;
  takeOwed: string;
  release: string;
  notify: string;
  expire: string;
  abandon: string;
}

export interface QueryOptions {
  tables: TableNames;
  leaseMs: number;
  /** Whether a lease outlasts a restart of the server: producers get as long to come back. */
  hasGrace: boolean;
}

export function createQueries(options: QueryOptions): Queries {
  const leaseMs = Math.ceil(options.leaseMs);
  const { chunks, entries, handover, isLive, isOpen, isThere, lease, sessions, state, status, tail } =
    createFragments(options);
  // A text that was empty is told from one that was lost.
  const owedEpoch = "case when s.last_offset = 0 then -s.epoch else s.epoch end";
  const request = requests("$1", "q(n int, stream_id text)");

  return {
    // $1 stream id, $2 mode, $3 retention in ms, $4 how often its text may be given to the app, or null if the app doesn't want
    // it, $5 whether what the app was to get of the stream before is given up. No row: it isn't free.
    // Epochs start from the clock, so that a row that was deleted and made again has a higher one.
    claim: `with claimed as (
  insert into ${sessions} as s (stream_id, status, epoch, last_offset, lease_expires_at, expires_at, handovers_left)
  select $1, 'streaming', (extract(epoch from clock_timestamp()) * 1000000)::bigint, 0, clock_timestamp() + ${lease},
    clock_timestamp() + greatest($3::float8, ${2 * leaseMs}) * interval '1 millisecond', $4::smallint
  where ${waitsNotLong}
  on conflict (stream_id) do update set
    status = 'streaming', epoch = greatest(s.epoch + 1, excluded.epoch), last_offset = 0,
    created_at = now(), updated_at = now(),
    lease_expires_at = clock_timestamp() + ${lease}, expires_at = excluded.expires_at,
    error = null, stop_requested_at = null, stop_reason = null, watched_until = null,
    handovers_left = excluded.handovers_left, handover_until = null,
    owed_epochs = case when ${isThere} and s.handovers_left > 0 then array_append(s.owed_epochs, ${owedEpoch}) else s.owed_epochs end
  where ($4::smallint is null or $5::boolean or ${isLive} or not ${isThere} or ${handover} is null) and case $2::text
    when 'supersede' then true
    when 'if-absent' then not ${isThere}
    else not ${isThere} or s.status = 'failed' or (${isOpen} and not ${isLive})
  end
  returning s.epoch, s.owed_epochs, s.xmax::text <> '0' as was_there
), cleared as (
  delete from ${chunks} c using claimed
  where c.stream_id = $1 and c.epoch < claimed.epoch and c.epoch <> all(coalesce(claimed.owed_epochs, '{}'))
)
select epoch, was_there, (select string_agg(abs(owed)::text, ' ') from unnest(owed_epochs) owed) as owed_epochs from claimed`,

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

    // $1 stream id, $2 reason, $3 the epoch to stop and no other, or null.
    stop: `update ${sessions} s set stop_requested_at = now(), stop_reason = $2
where ${waitsNotLong} and s.stream_id = $1 and ${isThere} and ${isOpen} and ($3::bigint is null or s.epoch = $3)
returning s.epoch`,

    // $1 stream id. No row: it isn't there, or hasn't ended well.
    lastEnd: `select s.epoch, ${tail} as tail, s.status from ${sessions} s
where s.stream_id = $1 and ${isThere} and s.status in ('done', 'stopped')`,

    // $1 stream id, $2 for how long, in ms. Elects who gives the app what a dead producer left, or a live one failed to give, and
    // reads it. The stream is lost from here on, whatever its producer does when it wakes.
    elect: `with elected as (
  update ${sessions} s set handovers_left = s.handovers_left - 1,
    handover_until = clock_timestamp() + $2::float8 * interval '1 millisecond',
    status = case when ${isOpen} then 'failed' else s.status end,
    error = case when ${isOpen} then 'PRODUCER_LOST' else s.error end
  where ${waitsNotLong} and s.stream_id = $1 and ${isThere} and s.handovers_left > 0 and not ${isLive}
    and (s.handover_until is null or s.handover_until <= clock_timestamp())
  returning s.stream_id, s.epoch, ${tail} as tail, ${status} as status, (extract(epoch from s.created_at) * 1000)::float8 as started_ms
)
select e.epoch, e.tail, e.status, e.started_ms, t.* from elected e
cross join lateral (select ${entries} from ${chunks} c where c.stream_id = e.stream_id and c.epoch = e.epoch) t`,

    // $1 stream id, $2 epoch, $3 whether the app has taken it. A failure is tried once more.
    handedOver: `update ${sessions} s set handover_until = null,
  handovers_left = case when $3::boolean then null else least(s.handovers_left, 1) end
where ${waitsNotLong} and s.stream_id = $1 and s.epoch = $2::bigint`,

    // $1 stream id, $2 epoch of a claim that was superseded. Who takes it from the list gives the app its text; a row always.
    // `is_empty`: it had no text when it was superseded, which the list says by a negative number.
    takeOwed: `with taken as (
  update ${sessions} s set owed_epochs = nullif(array_remove(array_remove(s.owed_epochs, $2::bigint), -$2::bigint), '{}')
  where ${waitsNotLong} and s.stream_id = $1 and (s.owed_epochs && array[$2::bigint, -$2::bigint])
  returning s.stream_id
), c as (
  delete from ${chunks} c using taken where c.stream_id = taken.stream_id and c.epoch = $2::bigint
  returning c.seq, c.start_offset, c.end_offset, c.chunk, c.encoding
)
select exists (select from taken) as is_taken, exists (select from ${sessions} where stream_id = $1) as is_there,
  exists (select from ${sessions} where stream_id = $1 and -$2::bigint = any(owed_epochs)) as is_empty, ${entries}
from c`,

    // $1 stream id, $2 epoch. For a claim that nobody writes under: whoever looks finds it lapsed, and has nothing to hand over.
    release: `update ${sessions} set lease_expires_at = now(), handovers_left = null
where ${waitsNotLong} and stream_id = $1 and epoch = $2::bigint and status = 'streaming'`,

    // $1 channel, $2 payloads. Apart from the append: transactions that notify commit one after another in all of a database,
    // and would wait there for each other's disk. A hint needs none.
    notify: `select pg_notify($1, value), set_config('synchronous_commit', 'off', true)
from json_array_elements_text($2::json)`,

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
 * them; a limit tells how many there are.
 */
function requests(parameter: string, columns: string): string {
  const [name = ""] = columns.split("(");
  return `(select * from json_to_recordset(${parameter}::json) as ${columns} limit json_array_length(${parameter}::json)) ${name}`;
}

/** What several statements say alike. `s` is a row of the sessions. */
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
  const status = `case when ${isOpen} and not ${isLive} then 'lapsed'
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

type Fragment =
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
