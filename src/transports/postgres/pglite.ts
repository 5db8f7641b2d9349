// Postgres inside the process, typed by what we call of `@electric-sql/pglite`. One connection, no server, no other process.

import { background } from "../../lib/background.ts";
import { shared } from "../../lib/shared.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import {
  type Database,
  lateError,
  type Listening,
  type ListenRequest,
  type Row,
  toError,
} from "./database.ts";
import { createQueries } from "./queries.ts";
import { createSchema, type TableNames } from "./schema.ts";
import { Outages } from "../log/outages.ts";

/** A `PGlite` instance, or anything with these methods. */
export interface PgliteClient {
  /** Runs one statement. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Runs several statements without parameters. */
  exec(text: string): Promise<unknown>;
  /** Calls back with each notification on a channel. Gives what ends that. */
  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>>;
  /** Whether somebody has closed it. */
  readonly closed?: boolean;
  /** Called only on instances that we opened. */
  close(): Promise<void>;
}

export interface PgliteDatabaseOptions {
  tables: TableNames;
  clock: Clock;
  /** Gives the instance, and takes it back. */
  lease: () => Promise<LeasedPglite>;
}

export interface LeasedPglite {
  client: PgliteClient;
  /** We opened it, so that nobody else can have been writing to it. */
  isOurs: boolean;
  release: () => Promise<void>;
}

export function pgliteDatabase({ tables, clock, lease }: PgliteDatabaseOptions): Database {
  /** Absent before the first use, and again where opening failed. */
  let opening: Promise<LeasedPglite> | undefined;
  /** Absent before the first use. */
  let client: PgliteClient | undefined;
  const open = (): Promise<LeasedPglite> => {
    opening ??= openWith(lease, tables).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    outages: new Outages(clock),
    run: async (statement, values, { timeoutMs }) => {
      try {
        // Opening is the process's own work and no answer to wait for: its time doesn't count.
        ({ client } = await open());
        const late = (): Error => lateError("ask the database", timeoutMs);
        const answer = client.query(statement, [...values]);
        const { rows } = await withDeadline(clock, answer, { timeoutMs, late });
        expireSometimes(client, { tables, clock });
        return rows as Row[];
      } catch (error) {
        throw toPgliteError(error);
      }
    },
    listen: async (request) => listenEmbedded((await open()).client, request),
    isClosed: () => client?.closed === true,
    close: async () => {
      const leased = await opening;
      await leased?.release();
    },
  };
}

async function listenEmbedded(
  client: PgliteClient,
  { channels, onNotification }: ListenRequest,
): Promise<Listening> {
  const unlistens = new Map<string, Promise<() => Promise<void>>>();
  const add = async (channel: string): Promise<void> => {
    const listening = client.listen(channel, (payload) => onNotification(payload, true));
    unlistens.set(channel, listening);
    await listening;
  };
  const end = async (channel: string): Promise<void> => {
    const listening = unlistens.get(channel);
    unlistens.delete(channel);
    await (
      await listening
    )?.();
  };
  await Promise.all(channels.map(add));
  return {
    add,
    // An instance that is closed has ended it.
    remove: (channel) => background(end(channel), () => undefined),
    close: async () => {
      await Promise.all([...unlistens.keys()].map(end));
    },
  };
}

/** A caller's mistake (no such package) stays what it is. */
function toPgliteError(error: unknown): unknown {
  return error instanceof TypeError ? error : toError("ask the database", error);
}

interface SetUp {
  /** The tables set up, or about to be, by their names. */
  tables: Map<string, Promise<unknown>>;
  /** When their expired streams were last deleted. */
  expiredAt: Map<string, number>;
}

const setUps = shared("pglite-set-ups.2", () => new WeakMap<PgliteClient, SetUp>());

/** No server and no cron job is there to delete expired streams: whoever uses them does. `count` is the most at a time. */
const EXPIRE = { everyMs: 60 * 60 * 1000, count: 1_000 };

/** Nobody waits for it. */
function expireSometimes(
  client: PgliteClient,
  { tables, clock }: { tables: TableNames; clock: Clock },
): void {
  const expiredAt = setUps.get(client)?.expiredAt;
  const name = JSON.stringify(tables);
  const last = expiredAt?.get(name);
  if (!expiredAt || (last !== undefined && clock.now() - last < EXPIRE.everyMs)) return;
  expiredAt.set(name, clock.now());
  const { expire } = createQueries({ tables, leaseMs: 1, hasGrace: false });
  // The next time is in an hour: it deletes the rest, also if this fails.
  background(client.query(expire, [EXPIRE.count]), () => undefined);
}

async function openWith(lease: () => Promise<LeasedPglite>, tables: TableNames): Promise<LeasedPglite> {
  const leased = await lease();
  const { client, isOurs } = leased;
  const known: SetUp = setUps.get(client) ?? { tables: new Map(), expiredAt: new Map() };
  setUps.set(client, known);
  const name = JSON.stringify(tables);
  const setUp = known.tables.get(name) ?? setUpOnce(client, { tables, isOurs });
  known.tables.set(name, setUp);
  try {
    await setUp;
    return leased;
  } catch (error) {
    if (known.tables.get(name) === setUp) known.tables.delete(name);
    await leased.release();
    throw error;
  }
}

async function setUpOnce(
  client: PgliteClient,
  { tables, isOurs }: { tables: TableNames; isOurs: boolean },
): Promise<void> {
  await client.exec(createSchema(tables));
  // A folder that was just opened: what its rows call running ran in a process that is gone.
  if (isOurs) await client.query(createQueries({ tables, leaseMs: 1, hasGrace: false }).abandon);
}
