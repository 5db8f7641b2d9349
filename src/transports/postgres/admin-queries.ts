// Statements for people who look after streams, apart from those that streams need: an app doesn't load them.

import { createFragments, type QueryOptions } from "./queries.ts";

export interface AdminQueries {
  list: string;
  show: string;
  remove: string;
}

export function createAdminQueries(options: QueryOptions): AdminQueries {
  const { chunks, isThere, sessions, state } = createFragments(options);
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
  };
}
