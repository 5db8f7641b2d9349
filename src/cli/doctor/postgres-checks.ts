// What goes wrong with Postgres.

import { randomUUID } from "node:crypto";
import { setTimeout as pass } from "node:timers/promises";
import { createAdminQueries } from "../../transports/postgres/admin-queries.ts";
import { toError } from "../../transports/postgres/database.ts";
import { createChannel } from "../../transports/postgres/names.ts";
import { createQueries } from "../../transports/postgres/queries.ts";
import { quoted, type TableNames } from "../../transports/postgres/schema.ts";
import { ResumableStreamError } from "../../port/errors.ts";
import { bounded } from "../deadline.ts";
import { describeError } from "../print.ts";
import { type Check, compareClocks } from "./check.ts";

interface Connection {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  on(
    event: "notification",
    listener: (message: { channel: string; payload?: string | undefined }) => void,
  ): unknown;
}

export interface PostgresSubject {
  /** Listens. */
  one: Connection;
  /** Notifies, and asks. */
  other: Connection;
  tables: TableNames;
}

const LISTEN_TIMEOUT_MS = 2_000;
const MIN_VERSION = 14;

const version: Check<PostgresSubject> = {
  name: "version",
  advice: "Use a Postgres that answers to show server_version_num.",
  run: async ({ other }) => {
    const row = await ask(
      other,
      "select current_setting('server_version_num')::int / 10000 as major, current_setting('server_version') as version",
    );
    const found = `Postgres ${String(row["version"])}`;
    if (Number(row["major"]) >= MIN_VERSION) return { status: "ok", found };
    return {
      status: "warning",
      found,
      advice: `Upgrade to Postgres ${MIN_VERSION} or newer: older ones aren't tested.`,
    };
  },
};

const writable: Check<PostgresSubject> = {
  name: "writable",
  advice: "Connect to the primary.",
  run: async ({ other }) => {
    const row = await ask(
      other,
      "select pg_is_in_recovery() as is_standby, current_setting('transaction_read_only') = 'on' as is_read_only",
    );
    if (row["is_standby"] === true)
      return { status: "failed", found: "this is a standby", advice: "Connect to the primary." };
    if (row["is_read_only"] !== true) return { status: "ok", found: "the database takes writes" };
    const advice = "Connect to the primary, or set default_transaction_read_only off for this user.";
    return { status: "failed", found: "transactions are read-only", advice };
  },
};

const encoding: Check<PostgresSubject> = {
  name: "encoding",
  advice: "Create a database with encoding 'UTF8' template template0.",
  run: async ({ other }) => {
    const row = await ask(other, "select current_setting('server_encoding') as encoding");
    if (row["encoding"] === "UTF8") return { status: "ok", found: "the database holds any character" };
    const found = `the database's encoding is ${String(row["encoding"])}: nothing more is written of a stream that has a character it lacks`;
    const advice = "Create a database with encoding 'UTF8' template template0, and set the tables up there.";
    return { status: "failed", found, advice };
  },
};

const schema: Check<PostgresSubject> = {
  name: "schema",
  advice: "Give this user the rights to select, insert, update and delete on both tables.",
  run: async ({ other, tables }) => {
    const queries = createQueries({ tables, leaseMs: 1, hasGrace: true });
    const { show } = createAdminQueries({ tables, leaseMs: 1, hasGrace: true });
    const nobody = "resumable-stream:doctor";
    try {
      await bounded("read the tables", other.query(show, [nobody]));
      await bounded("write the tables", other.query(queries.append, ["[]", "[]", 0]));
    } catch (error) {
      const known = toError("use the tables", error);
      if (!(known instanceof ResumableStreamError) || known.code !== "SCHEMA_MISSING") throw error;
      const found = `the tables ${tables.sessions} and ${tables.chunks} aren't there, or are those of an older version`;
      return { status: "failed", found, advice: "Run npx resumable-stream postgres setup." };
    }
    const row = await ask(
      other,
      `select count(*)::int as columns from pg_constraint c, unnest(c.conkey)
      where c.conrelid = $1::regclass and c.contype = 'p'`,
      [quoted(tables.chunks)],
    );
    if (row["columns"] === 3)
      return { status: "ok", found: `the tables ${tables.sessions} and ${tables.chunks} are there` };
    const found = `the table ${tables.chunks} has the key of an older version`;
    return { status: "failed", found, advice: "Run npx resumable-stream postgres setup." };
  },
};

const belonging: Check<PostgresSubject> = {
  name: "belonging",
  advice: "Run npx resumable-stream postgres setup.",
  run: async ({ other, tables }) => {
    const row = await ask(
      other,
      `select exists (select from pg_constraint where conrelid = to_regclass($2) and contype = 'f'
        and confrelid is distinct from to_regclass($1)::oid) as is_others`,
      [quoted(tables.sessions), quoted(tables.chunks)],
    );
    if (row["is_others"] !== true) return { status: "ok", found: "the two tables belong together" };
    const found = `the table ${tables.chunks} can't keep the text of ${tables.sessions}: its rows belong to another table`;
    return { status: "failed", found, advice: "Name a chunk table of your own: POSTGRES_CHUNK_TABLE." };
  },
};

/** Roles that hosted platforms and PostgREST give to visitors from the network. */
const GUESTS = ["anon", "authenticated", "web_anon"];

const guests: Check<PostgresSubject> = {
  name: "guests",
  advice: "Run npx resumable-stream postgres setup.",
  run: async ({ other, tables }) => {
    const { rows } = await bounded(
      "ask Postgres",
      other.query(
        `select r.rolname as role, t.name from pg_roles r, unnest($1::text[]) as t(name), pg_class c
        where r.rolname = any($2::text[]) and c.oid = to_regclass(t.name) and not c.relrowsecurity
          and has_table_privilege(r.oid, c.oid, 'select')`,
        [[quoted(tables.sessions), quoted(tables.chunks)], GUESTS],
      ),
    );
    if (rows.length === 0) return { status: "ok", found: "no role for visitors can read the tables" };
    const open = [...new Set(rows.map(({ name }) => String(name)))];
    return {
      status: "failed",
      found: `the role ${String(rows[0]?.["role"])}, which visitors have, can read ${open.join(" and ")}`,
      advice: open.map((name) => `alter table ${name} enable row level security;`).join(" "),
    };
  },
};

const listen: Check<PostgresSubject> = {
  name: "listen",
  advice: "Allow LISTEN and NOTIFY, or pass a listenerPool that connects without a pooler.",
  run: async ({ one, other, tables }) => {
    const channel = createChannel(tables.sessions);
    // Not one of the hints that contexts send: those who hear it ignore it.
    const payload = `doctor ${randomUUID()}`;
    const heard = new Promise<true>((resolve) => {
      one.on("notification", (message) => message.payload === payload && resolve(true));
    });
    await bounded("listen", one.query(`listen ${quoted(channel)}`));
    const startedAt = performance.now();
    await bounded("notify", other.query("select pg_notify($1, $2)", [channel, payload]));
    const isHeard = await Promise.race([heard, pass(LISTEN_TIMEOUT_MS, false, { ref: false })]);
    await bounded("stop listening", one.query("unlisten *"));
    if (isHeard) {
      return {
        status: "ok",
        found: `notifications arrive, in ${Math.round(performance.now() - startedAt)} ms`,
      };
    }
    const advice =
      "A pooler in transaction mode (PgBouncer, Supavisor, RDS Proxy) takes LISTEN and delivers nothing. Pass a listenerPool with the direct connection string; without it followers look every pollIntervalMs.";
    return {
      status: "warning",
      found: `a notification didn't arrive within ${LISTEN_TIMEOUT_MS} ms`,
      advice,
    };
  },
};

const cleanup: Check<PostgresSubject> = {
  name: "cleanup",
  advice: "Run npx resumable-stream postgres setup.",
  run: async ({ other, tables }) => {
    const row = await ask(
      other,
      `select count(*)::int as overdue from (
      select from ${quoted(tables.sessions)} where expires_at < now() - interval '1 day' limit 1000) as s`,
    );
    const overdue = Number(row["overdue"]);
    if (overdue === 0) return { status: "ok", found: "no stream is overdue for deletion" };
    const found = `${overdue === 1000 ? "1000 or more" : overdue} streams expired over a day ago`;
    return {
      status: "warning",
      found,
      advice: "Run npx resumable-stream postgres cleanup, best every hour (cron).",
    };
  },
};

const clocks: Check<PostgresSubject> = {
  name: "clocks",
  advice: "Check the server.",
  run: ({ other }) =>
    compareClocks(async () => {
      const row = await ask(other, "select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms");
      return Number(row["ms"]);
    }),
};

export const POSTGRES_CHECKS: readonly Check<PostgresSubject>[] = [
  version,
  writable,
  encoding,
  belonging,
  schema,
  guests,
  listen,
  cleanup,
  clocks,
];

async function ask(
  connection: Connection,
  text: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>> {
  const { rows } = await bounded("ask Postgres", connection.query(text, values));
  const [row] = rows;
  if (!row)
    throw new Error(
      `Postgres gave no row for a question that has one: ${describeError(text.split("\n")[0])}`,
    );
  return row;
}
