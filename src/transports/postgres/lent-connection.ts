// A connection that a pool lends: waited for, used, and given back or closed, all within a deadline.

import type { ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import { cancel } from "./cancel.ts";
import { isServerError, lateError, toError } from "./database.ts";
import { waitForLate } from "./late-answers.ts";
import type { PostgresClient, PostgresPool } from "./pool-port.ts";
import { poolError, poolTroubleOf } from "./pool-trouble.ts";

/** How long a late answer is worth a connection. */
const LATE_MS = 30_000;

export interface LendOptions<T> {
  pool: PostgresPool;
  clock: Clock;
  timeoutMs: number;
  /** When its time began: a statement that is sent again has what is left of it. */
  startedAt: number;
  /** How many the pool has for statements. */
  connections: number;
  /** Told what came after the deadline; absent if nothing is worth waiting for. */
  onLate: ((result: T) => void) | undefined;
  /** Told what `onLate` throws. */
  onError: (error: unknown) => void;
}

/**
 * Lends a connection. One that hasn't answered in time is closed rather than given back: nobody can tell when it will,
 * and the pool would run dry of connections that hang.
 */
export async function runOn<T>(
  { pool, clock, timeoutMs, startedAt, connections, onLate, onError }: LendOptions<T>,
  use: (client: PostgresClient) => Promise<T>,
): Promise<T> {
  const what = "ask the database";
  const leftMs = (): number => Math.max(timeoutMs - (clock.now() - startedAt), 1);
  const client = await connect(pool, { clock, timeoutMs, leftMs: leftMs() });
  // A connection that breaks says so twice: by its statement, which is heard, and by this event, which has to be.
  const ignore = (): void => undefined;
  client.on?.("error", ignore);
  const giveBack = (isBroken: boolean): void => {
    client.removeListener?.("error", ignore);
    if (isBroken) client.on?.("error", ignore);
    client.release(isBroken);
  };
  const giveUp = (): void => cancel(client, { pool, clock, onOver: () => giveBack(true) });
  const answer = use(client);
  try {
    const late = (): Error => new Late(lateError(what, timeoutMs));
    const result = await withDeadline(clock, answer, { timeoutMs: leftMs(), late });
    giveBack(false);
    return result;
  } catch (error) {
    if (!(error instanceof Late)) {
      // The server's own answer, however bad, leaves the connection as good as it was.
      giveBack(!isServerError(error));
      throw toError(what, error);
    }
    const stopWaiting = onLate && waitForLate(pool, connections);
    if (onLate && stopWaiting) {
      const heard = withDeadline(clock, answer, { timeoutMs: LATE_MS, late: () => error }).then(
        (result) => {
          giveBack(false);
          onLate(result);
        },
        (lost: unknown) => (lost === error ? giveUp() : giveBack(!isServerError(lost))),
      );
      background(heard.finally(stopWaiting), onError);
    } else {
      giveUp();
    }
    throw error.reason;
  }
}

/** The deadline's own error, apart from what the statement fails with. */
class Late extends Error {
  readonly reason: ResumableStreamError;

  constructor(reason: ResumableStreamError) {
    super(reason.message);
    this.reason = reason;
  }
}

export async function connect(
  pool: PostgresPool,
  { clock, timeoutMs, leftMs = timeoutMs }: { clock: Clock; timeoutMs: number; leftMs?: number },
): Promise<PostgresClient> {
  const what = "connect to the database";
  const trouble = poolTroubleOf(pool);
  const late = lateError(what, timeoutMs);
  let isGivenUp = false;
  const connecting = Promise.resolve()
    .then(() => pool.connect())
    .then((client) => {
      if (isGivenUp) client.release();
      return client;
    });
  try {
    return await withDeadline(clock, connecting, { timeoutMs: leftMs, late: () => late });
  } catch (error) {
    isGivenUp = true;
    throw poolError(trouble, { cause: error, isLate: error === late }) ?? toError(what, error);
  }
}
