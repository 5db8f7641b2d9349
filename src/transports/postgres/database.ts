// What the transport needs of a database, whatever brings it there: a pool of connections, or one embedded in the process.

import { ResumableStreamError } from "../../port/errors.ts";
import type { Outages } from "../log/outages.ts";

export type Row = Readonly<Record<string, unknown>>;

export interface Database {
  /** Whether it has just come back to this process. */
  readonly outages: Outages;
  /** Runs one statement as a transaction of its own. Settles within `timeoutMs`; rejects with a `ResumableStreamError`. */
  run(statement: string, values: readonly unknown[], options: RunOptions): Promise<Row[]>;
  /** Absent if there is no connection to spare for it. */
  listen: ((request: ListenRequest) => Promise<Listening>) | undefined;
  /** Whether its owner has closed it. */
  isClosed(): boolean;
  /** Gives back what this context took, and closes what it made. */
  close(): Promise<void>;
}

export interface RunOptions {
  timeoutMs: number;
  /** Told the rows of a statement that ran after all, once its time was over. Absent: it is broken off then. */
  onLate?: ((rows: Row[]) => void) | undefined;
  /**
   * Streams live by it: it doesn't wait for connections that the app holds, and goes over the one that listens. For a statement
   * that waits for no row.
   */
  isVital?: boolean;
  /** The values with which it is sent again if its connection turns out to be of no use, as it may run twice. Absent: it may not. */
  repeatedAs?: readonly unknown[] | undefined;
}

export interface ListenRequest {
  /** Listened to from the start. */
  channels: readonly string[];
  timeoutMs: number;
  /**
   * `isUnasked`: the connection had nothing else to answer. What comes while it has may come because of that: a pooler lends a
   * backend for a statement, and forwards what is sent to that backend meanwhile.
   */
  onNotification: (payload: string, isUnasked: boolean) => void;
  /** The connection is gone. */
  onLost: (error: unknown) => void;
}

export interface Listening {
  /** Listens to one more channel. Settles once what is sent to it arrives, or the connection is lost. */
  add(channel: string): Promise<void>;
  remove(channel: string): void;
  close(): Promise<void>;
}

/** SQLSTATEs of a missing table or column, and of a key that an upgrade would have made. */
const SCHEMA_STATES = new Set(["42P01", "42703", "42P10"]);

export function toError(what: string, cause: unknown): ResumableStreamError {
  if (cause instanceof ResumableStreamError) return cause;
  if (SCHEMA_STATES.has(stateOf(cause))) {
    const message = `Cannot ${what}: the database lacks the tables of resumable-stream, or has those of an older version. Run POSTGRES_URL=… npx resumable-stream postgres setup.`;
    return new ResumableStreamError("SCHEMA_MISSING", message, { cause: withoutText(cause) });
  }
  const message = `Cannot ${what}: ${reasonOf(cause)}. Check that Postgres runs, can be reached and has connections to spare.`;
  return new ResumableStreamError("TRANSPORT_UNAVAILABLE", message, { cause: withoutText(cause) });
}

export function lateError(what: string, timeoutMs: number): ResumableStreamError {
  return new ResumableStreamError(
    "TRANSPORT_UNAVAILABLE",
    `Cannot ${what}: Postgres gave no answer within ${timeoutMs} ms.`,
  );
}

/** What failed, for a log. */
export function reasonOf(cause: unknown): string {
  const state = stateOf(cause);
  const message = messageOf(cause);
  if (!/^[0-9A-Z]{5}$/.test(state)) return message || "no reason given";
  return quotesData(state) ? message : `${message} (SQLSTATE ${state})`;
}

function messageOf(cause: unknown): string {
  const state = stateOf(cause);
  if (quotesData(state)) return `SQLSTATE ${state}`;
  if (cause instanceof Error) return cause.message;
  if (typeof cause !== "object" || cause === null) return String(cause);
  // Of another realm, or a plain object: a driver's own kind.
  return "message" in cause ? String(cause.message) : state;
}

/** Messages of class 22 (data exception) quote the data, which may be a stream's text (G11). */
function quotesData(state: string): boolean {
  return /^22[0-9A-Z]{3}$/.test(state);
}

/** The SQLSTATE of an error; empty if it has none. */
export function stateOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** Whether the role may not do what it was asked to: insufficient privilege, or read-only transactions. */
export function isForbidden(error: unknown): boolean {
  const state = stateOf(error instanceof ResumableStreamError ? error.cause : error);
  return state === "42501" || state === "25006";
}

/**
 * Whether it may be for the values that were sent: data, constraints, limits of an index, a trigger of the app's. All that is refused
 * else, as for rights or a full disk, is refused to all.
 */
export function isRefusal(error: unknown): boolean {
  return /^(22|23|54|P0)/.test(stateOf(error instanceof ResumableStreamError ? error.cause : error));
}

/** Whether the server itself answered so, over a connection that works. */
export function isServerError(error: unknown): boolean {
  const state = stateOf(error);
  // Class 57 (operator intervention) ends the connection; everything else that has a SQLSTATE came over a working one. So did
  // 57014, a statement that was cancelled: by a role's `statement_timeout`, for one.
  if (state === "57014") return true;
  // 25006: a server that may only be read from, as a primary that was replaced is; a new connection may find the new one.
  return /^[0-9A-Z]{5}$/.test(state) && !state.startsWith("57") && state !== "25006";
}

/**
 * A server's error quotes values of the statement, which are text of streams (G11), in more fields than one can name; so may whatever a
 * driver throws in place of an error. Message and code are kept only.
 */
function withoutText(cause: unknown): Error {
  const code = stateOf(cause);
  return Object.assign(new Error(messageOf(cause)), code === "" ? {} : { code });
}
