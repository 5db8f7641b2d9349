// Breaks off what a backend still does for a connection that was given up: a backend that waits for a lock doesn't notice that its
// client is gone, and a database that is locked for a minute would run out of connections.

import type { Clock } from "../../lib/clock.ts";
import { shared } from "../../lib/shared.ts";
import type { PostgresClient, PostgresPool } from "./pool-port.ts";

/** How long a request is waited for: it is a packet, to which the server answers by closing. */
const CANCEL_MS = 1_000;
/**
 * How long its connection stays open: PgBouncer passes requests on for 10 s (`cancel_wait_timeout`). Its 1.18 ends itself with a FATAL
 * error if one goes away before it could.
 */
const OPEN_MS = 15_000;
/** Requests of a pool at a time: to a server that is away all of them stay open. */
const MAX_CANCELLING = 4;

const cancelling = shared("cancelling.1", () => new WeakMap<PostgresPool, number>());

/** A connection of `pg` before anything was said over it. */
interface Connection {
  connect(portOrPath: number | string, host?: string): void;
  on(event: string, listener: () => void): unknown;
  requestSsl(): void;
  cancel(processId: unknown, secretKey: unknown): void;
  /** Over a WebSocket it has no timer of its own. */
  stream: { destroy(): void; unref(): unknown };
}

/** The fields of `pg`'s own client that not all clients have. */
interface PgClient {
  connection: Connection;
  host: string;
  port: number;
  ssl: unknown;
  sslNegotiation?: string;
  processID: unknown;
  secretKey: unknown;
}

/**
 * Asks the server to cancel what it does for this client of the pool, and calls `onOver` once it was asked, within `CANCEL_MS`: until
 * then a pooler knows whose statement that is by the client's connection. A client that isn't `pg`'s own is left alone.
 */
export function cancel(
  client: PostgresClient,
  { pool, clock, onOver }: { pool: PostgresPool; clock: Clock; onOver: () => void },
): void {
  const count = cancelling.get(pool) ?? 0;
  if (!isPgClient(client) || typeof client.processID !== "number" || count >= MAX_CANCELLING) return onOver();
  const { processID, secretKey } = client;
  // As the pool makes its clients.
  const Client = client.constructor as new (options: unknown) => PgClient;
  let made: PgClient;
  try {
    made = new Client(pool.options);
  } catch {
    // A client that takes other options than its pool has: its connection is closed, and the statement runs to its end.
    return onOver();
  }
  const { connection, host, port, ssl, sslNegotiation } = made;
  cancelling.set(pool, count + 1);
  let isOver = false;
  const over = (): void => {
    if (!isOver) onOver();
    isOver = true;
  };
  let isClosed = false;
  const closed = (): void => {
    if (isClosed) return;
    isClosed = true;
    stopWaiting();
    stopStaying();
    cancelling.set(pool, (cancelling.get(pool) ?? 1) - 1);
    connection.stream.destroy();
    over();
  };
  const stopWaiting = clock.after(CANCEL_MS, over);
  const stopStaying = clock.meanwhile(OPEN_MS, closed);
  const send = (): void => connection.cancel(processID, secretKey);
  connection.on("connect", () => {
    if (!ssl) send();
    else if (sslNegotiation !== "direct") connection.requestSsl();
  });
  connection.on("sslconnect", send);
  connection.on("error", closed);
  connection.on("end", closed);
  if (host.startsWith("/")) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  // No process waits for it, nor for its end.
  connection.stream.unref();
}

function isPgClient(client: unknown): client is PgClient {
  return (
    typeof client === "object" &&
    client !== null &&
    "connection" in client &&
    typeof client.connection === "object" &&
    client.connection !== null &&
    "cancel" in client.connection &&
    "requestSsl" in client.connection
  );
}
