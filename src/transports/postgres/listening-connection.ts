// The connection that listens to notifications, for as long as it lasts.

import { type Clock, withDeadline } from "../../lib/clock.ts";
import { lateError, type Listening, type ListenRequest, toError } from "./database.ts";
import { connect } from "./lent-connection.ts";
import type { PostgresPool } from "./pool-port.ts";
import { quoted } from "./schema.ts";

export async function listenOn(
  pool: PostgresPool,
  { channel, clock, onLost, onNotification, timeoutMs }: ListenRequest & { clock: Clock },
): Promise<Listening> {
  const client = await connect(pool, { clock, timeoutMs });
  let isOpen = true;
  const hear = (message: unknown): void => {
    if (isOpen && hasChannel(message) && message.channel === channel) onNotification(message.payload ?? "");
  };
  const lose = (error: unknown): void => {
    if (!isOpen) return;
    isOpen = false;
    client.release(true);
    onLost(error);
  };
  client.on?.("notification", hear);
  client.on?.("error", lose);
  client.on?.("end", lose);
  const query = (text: string): Promise<unknown> =>
    withDeadline(clock, client.query(text), { timeoutMs, late: () => lateError("listen", timeoutMs) });
  try {
    await query(`listen ${quoted(channel)}`);
  } catch (error) {
    if (isOpen) client.release(true);
    isOpen = false;
    throw toError("listen for notifications", error);
  }
  return {
    close: () => {
      // Closed rather than given back: it would go on to hear what nobody listens for.
      if (isOpen) client.release(true);
      isOpen = false;
      return Promise.resolve();
    },
  };
}

function hasChannel(message: unknown): message is { channel: string; payload?: string } {
  return typeof message === "object" && message !== null && "channel" in message;
}
