/** The tables as the older version made them, with a stream that is done, one that failed and one it still writes. */
export const OLDER_TABLES = `
create table rs_stream_sessions (
  stream_id text primary key,
  status text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  expires_at timestamptz,
  last_offset bigint not null default 0
);
create table rs_stream_chunks (
  stream_id text not null references rs_stream_sessions (stream_id) on delete cascade,
  seq bigserial,
  start_offset bigint not null,
  end_offset bigint not null,
  chunk text not null,
  created_at timestamptz not null default now(),
  primary key (stream_id, seq)
);
create index rs_stream_chunks_stream_seq_idx on rs_stream_chunks (stream_id, seq);

insert into rs_stream_sessions (stream_id, status, expires_at, last_offset) values
  ('resumable-stream:rs:done', 'done', now() + interval '1 hour', 4),
  ('resumable-stream:rs:failed', 'failed', now() + interval '1 hour', 0),
  ('resumable-stream:rs:running', 'streaming', null, 0);
insert into rs_stream_chunks (stream_id, start_offset, end_offset, chunk) values
  ('resumable-stream:rs:done', 0, 4, 'done'),
  ('resumable-stream:rs:failed', 0, 5, 'left '),
  ('resumable-stream:rs:running', 0, 4, 'runs'),
  ('resumable-stream:rs:failed', 5, 5, ''),
  ('resumable-stream:rs:failed', 5, 12, 'of this');
`;
