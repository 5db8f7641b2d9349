// The two tables, as SQL text. Running it creates them, upgrades those of an older version, or changes nothing.

/** The table of streams, a row each, where no other name is given. */
export const DEFAULT_SESSION_TABLE = "rs_stream_sessions";
/** The table of their text, where no other name is given. */
export const DEFAULT_CHUNK_TABLE = "rs_stream_chunks";

/** Names of the tables, each optionally qualified by a schema: `app.streams`. */
export interface TableNames {
  sessions: string;
  chunks: string;
}

export const DEFAULT_TABLES: TableNames = { sessions: DEFAULT_SESSION_TABLE, chunks: DEFAULT_CHUNK_TABLE };

/** Any number does: everybody who sets these tables up takes the same lock. */
const SETUP_LOCK = 7_276_110;

/** Quotes an identifier; a dot separates a schema from a name. */
export function quoted(name: string): string {
  return name
    .split(".")
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join(".");
}

/** The schema for tables of these names. Made to be run as one simple query or inside a transaction. */
export function createSchema(tables: TableNames): string {
  const sessions = quoted(tables.sessions);
  const chunks = quoted(tables.chunks);
  const chunkName = lastPart(tables.chunks);
  return `-- Whoever runs this at the same time waits here.
select pg_advisory_xact_lock(${SETUP_LOCK});

create table if not exists ${sessions} (
  stream_id text primary key,
  status text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  expires_at timestamptz,
  last_offset bigint not null default 0
);

alter table ${sessions}
  add column if not exists epoch bigint not null default 0,
  add column if not exists lease_expires_at timestamptz,
  add column if not exists error text,
  add column if not exists stop_requested_at timestamptz,
  add column if not exists stop_reason text,
  add column if not exists watched_until timestamptz;

-- A session's row is updated in place at every append: room in its page keeps that cheap.
alter table ${sessions} set (fillfactor = 70);

create index if not exists ${quoted(`${lastPart(tables.sessions)}_expires_at_idx`)} on ${sessions} (expires_at);

create table if not exists ${chunks} (
  stream_id text not null references ${sessions} (stream_id) on delete cascade,
  epoch bigint not null default 0,
  seq bigint not null,
  start_offset bigint not null,
  end_offset bigint not null,
  chunk text not null,
  encoding text,
  created_at timestamptz not null default now(),
  primary key (stream_id, epoch, seq)
);

alter table ${chunks}
  add column if not exists epoch bigint not null default 0,
  add column if not exists encoding text;

-- The older version's key had no epoch, so that what a superseded producer left stood in its successor's way.
do $$
begin
  if not exists (
    select from pg_constraint
    where conrelid = ${literal(chunks)}::regclass and contype = 'p' and array_length(conkey, 1) = 3
  ) then
    alter table ${chunks} drop constraint if exists ${quoted(`${chunkName}_pkey`)};
    alter table ${chunks} add primary key (stream_id, epoch, seq);
  end if;
end
$$;

drop index if exists ${quoted(siblingOf(tables.chunks, `${chunkName}_stream_seq_idx`))};
`;
}

/**
 * The SQL that creates the tables of the default names, upgrades those of an older version, or changes nothing. Run it as
 * one query without parameters, or in one transaction.
 *
 * @example
 * await pool.query(DEFAULT_SCHEMA);
 */
export const DEFAULT_SCHEMA: string = createSchema(DEFAULT_TABLES);

function lastPart(name: string): string {
  return name.split(".").at(-1) ?? name;
}

/** Another name in the schema of `name`. */
function siblingOf(name: string, sibling: string): string {
  return [...name.split(".").slice(0, -1), sibling].join(".");
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
