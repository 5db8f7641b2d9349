// Trouble of a pool that lends no connection. The database behind it, and other pools to it, may be well.

import { ResumableStreamError } from "../../port/errors.ts";
import type { PostgresPool } from "./pool-port.ts";

/** Tells by its name, also if a program has two copies of it. */
const NAME = "PoolTrouble";

/** Why a pool lends no connection, other than that the database doesn't. */
type Trouble = "ended" | "busy";

class PoolTrouble extends Error {
  override readonly name = NAME;
  readonly trouble: Trouble;

  constructor(trouble: Trouble, reason: string) {
    super(reason);
    this.trouble = trouble;
  }
}

/** By what an error of ours was caused. */
export function isPoolTrouble(error: unknown): boolean {
  return causeOf(error) !== undefined;
}

/** Whether it says no more than that the app has all connections in use. */
export function isPoolBusy(error: unknown): boolean {
  return causeOf(error)?.trouble === "busy";
}

function causeOf(error: unknown): PoolTrouble | undefined {
  const cause = error instanceof ResumableStreamError ? error.cause : undefined;
  return cause instanceof Error && cause.name === NAME ? (cause as PoolTrouble) : undefined;
}

/** To be looked at before a connection is asked for. */
export function poolTroubleOf(pool: PostgresPool): Trouble | undefined {
  // `pg`'s Pool has these; of any other nothing is known.
  const { ending, idleCount, options, totalCount } = pool as PostgresPool & Record<string, unknown>;
  if (ending === true) return "ended";
  const isFull = typeof totalCount === "number" && options?.max !== undefined && totalCount >= options.max;
  return isFull && idleCount === 0 ? "busy" : undefined;
}

/** `pg`'s own, if the app has set `connectionTimeoutMillis`. */
const TOO_LONG_IN_LINE = "timeout exceeded when trying to connect";

/** The error of a pool that failed to lend; undefined if its trouble is not what failed it. `isLate`: it gave no answer in time. */
export function poolError(
  trouble: Trouble | undefined,
  { cause, isLate }: { cause: unknown; isLate: boolean },
): ResumableStreamError | undefined {
  if (trouble === undefined) return undefined;
  const reason = cause instanceof Error ? cause.message : String(cause);
  // With others in line before it, a connection may have been tried for, and refused.
  if (trouble === "busy" && !isLate && reason !== TOO_LONG_IN_LINE) return undefined;
  const message = {
    ended: "Cannot connect to the database: the pool was ended. Close its contexts first, then end the pool.",
    busy: "Cannot connect to the database: all connections of the pool are in use. Give it more, or give them back sooner.",
  }[trouble];
  return new ResumableStreamError("TRANSPORT_UNAVAILABLE", message, {
    cause: new PoolTrouble(trouble, reason),
  });
}
