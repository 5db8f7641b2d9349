// The two tables, as SQL text. Running it creates them, upgrades those of an older version, or changes nothing.

/** The table of streams, a row each, if no other name is given. */
export const DEFAULT_SESSION_TABLE = "rs_stream_sessions";
/** The table of their text, if no other name is given. */
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

/** How long setting up waits for a lock before it gives up. What waits for a lock holds up all who come after it. */
const LOCK_TIMEOUT_MS = 2_000;

/** One thing that setting up sees to: asked of the catalog first, so that what is there is neither touched nor needs a right. */
export interface SchemaStep {
  /** An expression that is true if nothing is left to do. */
  isDone: string;
  /** What does it, in a transaction. */
  apply: string;
  /**
   * What does the same on a table of any size without holding up its streams: statements that can't be part of a transaction.
   * Absent if `apply` is over at once.
   */
  applyBesideStreams?: readonly string[];
}

/** In the order they have to be done in. */
export function schemaSteps(tables: TableNames): readonly SchemaStep[] {
  const sessions = quoted(tables.sessions);
  const chunks = quoted(tables.chunks);
  const [sessionsIs, chunksIs] = [tables.sessions, tables.chunks].map(
    (name) => `to_regclass(${literal(quoted(name))})`,
  ) as [string, string];
  const expiryIndex = `${lastPart(tables.sessions)}_expires_at_idx`;
  const key = quoted(`${lastPart(tables.chunks)}_pkey`);
  const nextKey = `${lastPart(tables.chunks)}_next_pkey`;
  const oldIndex = quoted(siblingOf(tables.chunks, `${lastPart(tables.chunks)}_stream_seq_idx`));
  const swapKey = (add: string): string =>
    `alter table ${chunks} drop constraint if exists ${key}; alter table ${chunks} add ${add};`;
  return [
    {
      isDone: `not exists (select from pg_constraint
    where conrelid = ${chunksIs} and contype = 'f' and confrelid is distinct from ${sessionsIs}::oid)`,
      apply: `raise exception using message = ${literal(`The table ${tables.chunks} can't keep the text of ${tables.sessions}: its rows belong to another table. Name a chunk table of your own (chunkTableName, POSTGRES_CHUNK_TABLE).`)};`,
    },
    {
      isDone: `${sessionsIs} is not null`,
      // A session's row is updated in place at every append: room in its page keeps that cheap.
      apply: `create table ${sessions} (
    stream_id text primary key,
    status text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz,
    last_offset bigint not null default 0
  ) with (fillfactor = 70);
  ${closeToGuests(sessions)}`,
    },
    {
      // The last four are the app's share: how often it may still be given the text, until when somebody gives it, older claims
      // that are owed, and of those that somebody gives or gave [until when, in ms since 1970, how often still], by epoch.
      isDone: hasColumns(sessionsIs, [
        "epoch",
        "lease_expires_at",
        "error",
        "stop_requested_at",
        "stop_reason",
        "watched_until",
        "handovers_left",
        "handover_until",
        "owed_epochs",
        "owed_leases",
      ]),
      apply: `alter table ${sessions}
    add column if not exists epoch bigint not null default 0,
    add column if not exists lease_expires_at timestamptz,
    add column if not exists error text,
    add column if not exists stop_requested_at timestamptz,
    add column if not exists stop_reason text,
    add column if not exists watched_until timestamptz,
    add column if not exists handovers_left smallint,
    add column if not exists handover_until timestamptz,
    add column if not exists owed_epochs bigint[],
    add column if not exists owed_leases jsonb;`,
    },
    {
      isDone: `exists (select from pg_class where oid = ${sessionsIs} and reloptions::text like '%fillfactor=%')`,
      apply: `alter table ${sessions} set (fillfactor = 70);`,
    },
    {
      isDone: `exists (select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = ${sessionsIs} and i.indisvalid and a.attname = 'expires_at')`,
      apply: `create index if not exists ${quoted(expiryIndex)} on ${sessions} (expires_at);`,
      applyBesideStreams: [
        dropUnfinished(siblingOf(tables.sessions, expiryIndex), sessions),
        `create index concurrently if not exists ${quoted(expiryIndex)} on ${sessions} (expires_at)`,
      ],
    },
    {
      isDone: `${chunksIs} is not null`,
      apply: `create table ${chunks} (
    stream_id text not null references ${sessions} (stream_id) on delete cascade,
    epoch bigint not null default 0,
    seq bigint not null,
    start_offset bigint not null,
    end_offset bigint not null,
    chunk text not null,
    encoding text,
    created_at timestamptz not null default now(),
    constraint ${key} primary key (stream_id, epoch, seq)
  );
  ${closeToGuests(chunks)}`,
    },
    {
      isDone: hasColumns(chunksIs, ["epoch", "encoding"]),
      apply: `alter table ${chunks}
    add column if not exists epoch bigint not null default 0,
    add column if not exists encoding text;`,
    },
    {
      // The older version's key had no epoch, so that what a superseded producer left stood in its successor's way.
      isDone: `exists (select from pg_constraint
    where conrelid = ${chunksIs} and contype = 'p' and array_length(conkey, 1) = 3)`,
      apply: swapKey("primary key (stream_id, epoch, seq)"),
      applyBesideStreams: [
        dropUnfinished(siblingOf(tables.chunks, nextKey), chunks),
        `create unique index concurrently if not exists ${quoted(nextKey)} on ${chunks} (stream_id, epoch, seq)`,
        inTransaction(swapKey(`constraint ${key} primary key using index ${quoted(nextKey)}`)),
      ],
    },
    {
      isDone: `to_regclass(${literal(oldIndex)}) is null`,
      apply: `drop index if exists ${oldIndex};`,
      applyBesideStreams: [`drop index concurrently if exists ${oldIndex}`],
    },
  ];
}

/**
 * Hosted platforms give their roles for anonymous and for logged-in users every right on each new table of the schema public.
 * Rows that no policy names are closed to those, and open to the owner and to roles that bypass policies, as servers have.
 */
function closeToGuests(table: string): string {
  return `if exists (select from pg_roles where rolname in ('anon', 'authenticated')) then
    alter table ${table} enable row level security;
  end if;`;
}

/**
 * An index that was being made when its connection broke is in the way of the next attempt. Its backend may go on with it for long:
 * that is waited for by a lock that holds up no stream, as the one to drop it would.
 */
function dropUnfinished(index: string, table: string): string {
  const isUnfinished = `exists (
    select from pg_index where indexrelid = to_regclass(${literal(quoted(index))}) and not indisvalid)`;
  return inTransaction(`if ${isUnfinished} then
    lock table ${table} in share update exclusive mode;
    if ${isUnfinished} then
      drop index if exists ${quoted(index)};
    end if;
  end if;`);
}

/** An expression: whether there is a table of this name that no version of ours has made. */
export function isForeign(name: string, columns: readonly string[]): string {
  const table = `to_regclass(${literal(quoted(name))})`;
  return `${table} is not null and not ${hasColumns(table, columns)}`;
}

function hasColumns(table: string, names: readonly string[]): string {
  const list = names.map(literal).join(", ");
  return `(select count(*) = ${names.length} from pg_attribute
    where attrelid = ${table} and attname in (${list}) and not attisdropped)`;
}

/** A block that waits for no lock long, and leaves no part of its work behind if it fails. */
function inTransaction(statements: string): string {
  const body = `begin
  perform set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true);
  ${statements}
end`;
  // A literal whose quote the body, and so no table's name, can end.
  let quote = "$setup$";
  for (let n = 1; body.includes(quote); n++) quote = `$setup${n}$`;
  return `do ${quote}\n${body}\n${quote}`;
}

/** One step alone, in a transaction of its own: it holds one table's lock, and no second one that would make a deadlock. */
export function schemaStep({ isDone, apply }: SchemaStep): string {
  return inTransaction(`perform pg_advisory_xact_lock(${SETUP_LOCK});
  if not (${isDone}) then
  ${apply}
  end if;`);
}

/** An expression: whether nothing is left to do. Needs no right on the tables. */
export function isSchemaCurrent(tables: TableNames): string {
  return schemaSteps(tables)
    .map(({ isDone }) => `(${isDone})`)
    .join("\n    and ");
}

/**
 * The schema for tables of these names, as one statement. Upgrading a large table of the older version this way locks it while
 * its key is made anew; `setUp` doesn't.
 */
export function createSchema(tables: TableNames): string {
  const steps = schemaSteps(tables);
  return `-- Looks first: tables that are current are neither locked nor changed, and need no right.
${inTransaction(`if ${isSchemaCurrent(tables)} then
    return;
  end if;
  -- Others who set up at the same time take their turn.
  perform pg_advisory_xact_lock(${SETUP_LOCK});
${steps
  .map(
    ({ isDone, apply }) => `  if not (${isDone}) then
  ${apply}
  end if;`,
  )
  .join("\n")}`)};
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
