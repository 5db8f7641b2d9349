// The live channels that this process listens to, and the inbox at which its producers are asked to look.

import { attachWeakly, type Tell } from "../../lib/attachment.ts";
import { background } from "../../lib/background.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import { ResumableStreamError } from "../../port/errors.ts";
import type { WatchSignal } from "../../port/transport.ts";
import type { StreamEar } from "../log/store.ts";
import { foreignMessageReport } from "../relay/foreign-messages.ts";
import { KeptSubscription } from "../relay/kept-subscription.ts";
import { type StandingOptions, StandingSubscription } from "../relay/standing-subscription.ts";
import type { LogConnection } from "./connection.ts";
import { MOVED, parseLive } from "./live.ts";
import { inboxOf, liveChannelOf } from "./names.ts";

export interface EarsOptions {
  clock: Clock;
  connection: LogConnection;
  /** How long a channel may take to be given back. */
  timeoutMs: number;
  keyPrefix: string;
  /** Names this context among all of the server. */
  name: string;
  /** A producer of this process should look at the record of this key. */
  onAsked: (key: string) => void;
  /** The server is back, and may have lost what it had. */
  onReconnect: (awayMs: number) => void;
  onError: (error: ResumableStreamError) => void;
}

export class Ears {
  readonly inbox: string;

  readonly #options: EarsOptions;
  readonly #tells = new Set<(signal: WatchSignal) => void>();
  /** Channels that are given back. */
  readonly #releasing = new Set<Promise<void>>();
  readonly #stopListening: () => void;
  readonly #inbox: KeptSubscription;
  /** When a client first told of trouble since it last connected; absent if it told of none. */
  #awaySince: number | undefined;

  constructor(options: EarsOptions) {
    this.#options = options;
    this.inbox = inboxOf(options.keyPrefix, options.name);
    this.#inbox = new KeptSubscription({
      ...this.#standing(this.inbox, (key) => options.onAsked(key)),
      onReleased: (released) => this.#release(released),
    });
    this.#stopListening = attachWeakly<Ears>(this, (tell) => attach(options.connection, tell));
  }

  listen(key: string, onSignal: (signal: WatchSignal) => void): StreamEar {
    const channel = liveChannelOf(key);
    const tell = (signal: WatchSignal): void => onSignal(signal);
    const reportForeign = foreignMessageReport(this.#options.onError, `the live channel "${channel}"`);
    const onMessage = (message: string): void => {
      const signal = toSignal(message);
      if (!signal) reportForeign();
      else if (!standing.isReleased) tell(signal);
    };
    const standing = new StandingSubscription(this.#standing(channel, onMessage));
    const onReady = (): void => {
      // Whatever was written since a follower's first read, it reads now.
      if (!standing.isReleased) tell({ type: "missed" });
    };
    background(standing.ready.then(onReady), (error) => this.#onError(error));
    this.#tells.add(tell);
    return {
      close: () => {
        if (this.#tells.delete(tell)) this.#release(standing.release());
      },
    };
  }

  /** There are producers, until what this returns is called. */
  hear(): () => void {
    return this.#inbox.use();
  }

  /** Settles when all channels are given back. */
  async close(): Promise<void> {
    this.#stopListening();
    this.#inbox.close();
    await Promise.all(this.#releasing);
  }

  reconnected(): void {
    const now = this.#options.clock.now();
    const awayMs = now - (this.#awaySince ?? now);
    this.#awaySince = undefined;
    this.#options.onReconnect(awayMs);
    for (const tell of this.#tells) tell({ type: "missed" });
  }

  /** A client told of trouble by itself. */
  troubled(error: unknown): void {
    this.#awaySince ??= this.#options.clock.now();
    this.#onError(error);
  }

  #onError(cause: unknown): void {
    if (!this.#options.connection.outages.isNews("TRANSPORT_UNAVAILABLE")) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `A connection to Redis failed (${why}). Streams go on: text is written, and heard, once it works.`;
    this.#options.onError(new ResumableStreamError("TRANSPORT_UNAVAILABLE", message, { cause }));
  }

  #standing(channel: string, onMessage: (message: string) => void): StandingOptions {
    const { clock, connection } = this.#options;
    const { subscriptions } = connection;
    const onFailed = (error: unknown): void => this.#onError(error);
    return { clock, subscriptions, channel, onMessage, onFailed };
  }

  #release(released: Promise<void>): void {
    const { clock, timeoutMs } = this.#options;
    const late = (): Error => new Error(`no answer within ${timeoutMs} ms`);
    const releasing = withDeadline(clock, released, { timeoutMs, late })
      // It ends with its connection.
      .catch((error: unknown) => this.#onError(error))
      .finally(() => this.#releasing.delete(releasing));
    this.#releasing.add(releasing);
  }
}

function attach(connection: LogConnection, tell: Tell<Ears>): ReadonlyArray<() => void> {
  return [
    connection.onReconnect(() => tell((ears) => ears.reconnected())),
    connection.onError((error) => tell((ears) => ears.troubled(error))),
  ];
}

/** Undefined if somebody else wrote to the channel. */
function toSignal(message: string): WatchSignal | undefined {
  if (message === MOVED) return { type: "missed" };
  const page = parseLive(message);
  return page && { type: "page", page };
}
