// The connection that listens to notifications, for as long as it lasts. It is the one that no query of the app's can hold.

import { type Clock, withDeadline } from "../../lib/clock.ts";
import { cancel } from "./cancel.ts";
import { isServerError, lateError, toError } from "./database.ts";
import { connect } from "./lent-connection.ts";
import type { PostgresClient, PostgresPool } from "./pool-port.ts";
import { quoted } from "./schema.ts";

export interface ListeningConnectionOptions {
  clock: Clock;
  timeoutMs: number;
  onNotification: (channel: string, payload: string, isUnasked: boolean) => void;
  /** Called once, if it wasn't closed before. */
  onLost: (error: unknown) => void;
}

export interface ListeningConnection {
  /** Settles once what is sent to the channel arrives, or the connection is lost. */
  listen(channel: string): Promise<void>;
  unlisten(channel: string): void;
  /** Runs a statement between those. Rejects with a `ResumableStreamError`; one that isn't answered in time ends the connection. */
  run<T>(use: (client: PostgresClient) => Promise<T>, timeoutMs: number): Promise<T>;
  close(): void;
}

export async function openListeningConnection(
  pool: PostgresPool,
  { clock, onLost, onNotification, timeoutMs }: ListeningConnectionOptions,
): Promise<ListeningConnection> {
  const client = await connect(pool, { clock, timeoutMs });
  let isOpen = true;
  /** The next query, and its answer; absent if nothing waits to be said. */
  let next: { statements: string[]; answer: Promise<void> } | undefined;
  let last: Promise<void> = Promise.resolve();
  /** A statement is under way: one at a time is. */
  let isAsked = false;

  const release = (): void => {
    // Closed rather than given back: it would go on to hear what nobody listens for.
    if (isOpen) client.release(true);
    isOpen = false;
  };
  const lose = (error: unknown): void => {
    if (!isOpen) return;
    release();
    onLost(error);
  };
  const query = async (statements: readonly string[]): Promise<void> => {
    const late = (): Error => lateError("listen", timeoutMs);
    if (!isOpen) return;
    isAsked = true;
    try {
      await withDeadline(clock, client.query(statements.join("; ")), { timeoutMs, late });
    } catch (error) {
      lose(toError("listen for notifications", error));
    } finally {
      isAsked = false;
    }
  };
  /** One query at a time: all that is said meanwhile goes with the next. */
  const say = (statement: string): Promise<void> => {
    if (next) next.statements.push(statement);
    else {
      const saying = { statements: [statement], answer: Promise.resolve() };
      saying.answer = last.then(() => {
        next = undefined;
        return query(saying.statements);
      });
      last = saying.answer;
      next = saying;
    }
    return next.answer;
  };

  const run = async <T>(
    use: (client: PostgresClient) => Promise<T>,
    { limitMs, startedAt }: { limitMs: number; startedAt: number },
  ): Promise<T> => {
    const what = "ask the database";
    const late = lateError(what, limitMs);
    const leftMs = Math.max(limitMs - (clock.now() - startedAt), 1);
    try {
      if (!isOpen) throw new Error("the connection was lost");
      isAsked = true;
      return await withDeadline(clock, use(client), { timeoutMs: leftMs, late: () => late });
    } catch (error) {
      const failure = toError(what, error);
      if (error === late) cancel(client, { pool, clock, onOver: () => lose(failure) });
      else if (!isServerError(error)) lose(failure);
      throw failure;
    } finally {
      isAsked = false;
    }
  };

  client.on?.("notification", (message: unknown) => {
    if (isOpen && hasChannel(message)) onNotification(message.channel, message.payload ?? "", !isAsked);
  });
  client.on?.("error", lose);
  client.on?.("end", lose);
  return {
    listen: (channel) => say(`listen ${quoted(channel)}`),
    unlisten: (channel) => void say(`unlisten ${quoted(channel)}`),
    run: (use, limitMs) => {
      const startedAt = clock.now();
      const answer = last.then(() => run(use, { limitMs, startedAt }));
      last = answer.then(
        () => undefined,
        () => undefined,
      );
      return answer;
    },
    close: release,
  };
}

function hasChannel(message: unknown): message is { channel: string; payload?: string } {
  return typeof message === "object" && message !== null && "channel" in message;
}
