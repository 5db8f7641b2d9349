// The live channels that this process listens to, and the inbox at which its producers are asked to look.

import type { Cancel, Clock } from "../../lib/clock.ts";
import { background } from "../../lib/background.ts";
import { ResumableStreamError } from "../../port/errors.ts";
import type { WatchSignal } from "../../port/transport.ts";
import type { StreamEar } from "../log/store.ts";
import type { LogConnection } from "./connection.ts";
import { MOVED, parseLive } from "./live.ts";
import { inboxOf, liveChannelOf } from "./names.ts";
import { StandingSubscription } from "./standing.ts";

/** How long the inbox is kept for the next producer: a SUBSCRIBE for each stream would cost as much as some streams. */
const IDLE_MS = 3_000;

export interface EarsOptions {
  clock: Clock;
  connection: LogConnection;
  keyPrefix: string;
  /** Names this context among all of the server. */
  name: string;
  /** A producer of this process should look at the record of this key. */
  onAsked: (key: string) => void;
  /** The server is back, and may have lost what it had. */
  onReconnect: () => void;
  onError: (error: ResumableStreamError) => void;
}

export class Ears {
  readonly inbox: string;

  readonly #options: EarsOptions;
  readonly #tells = new Set<(signal: WatchSignal) => void>();
  /** Channels that are given back. */
  readonly #releasing = new Set<Promise<void>>();
  /** Channels of which a foreign message was told. */
  readonly #told = new Set<string>();
  readonly #stops: readonly (() => void)[];
  #users = 0;
  #standing: StandingSubscription | undefined;
  #cancelIdle: Cancel = () => {};

  constructor(options: EarsOptions) {
    this.#options = options;
    this.inbox = inboxOf(options.keyPrefix, options.name);
    const { connection } = options;
    this.#stops = [
      connection.onReconnect(() => this.#onReconnect()),
      // A client without a listener for its errors would end the process, or stay away.
      connection.onError((error) => this.#onError(error)),
    ];
  }

  listen(key: string, onSignal: (signal: WatchSignal) => void): StreamEar {
    const channel = liveChannelOf(key);
    const tell = (signal: WatchSignal): void => onSignal(signal);
    const standing = this.#subscribe(channel, {
      onMessage: (message) => this.#heard(channel, message, tell),
      // Whatever was written since a follower's first read, it reads now.
      onReady: () => tell({ type: "missed" }),
    });
    this.#tells.add(tell);
    return {
      close: () => {
        if (this.#tells.delete(tell)) this.#release(standing);
      },
    };
  }

  /** There are producers, until what this returns is called. */
  hear(): () => void {
    this.#users += 1;
    this.#cancelIdle();
    this.#standing ??= this.#subscribe(this.inbox, { onMessage: (key) => this.#options.onAsked(key) });
    let isUsing = true;
    return () => {
      if (!isUsing) return;
      isUsing = false;
      this.#users -= 1;
      if (this.#users === 0) this.#cancelIdle = this.#options.clock.after(IDLE_MS, () => this.#closeInbox());
    };
  }

  /** Settles when all channels are given back. */
  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#closeInbox();
    await Promise.all(this.#releasing);
  }

  #onReconnect(): void {
    this.#options.onReconnect();
    for (const tell of this.#tells) tell({ type: "missed" });
  }

  #onError(cause: unknown): void {
    if (!this.#options.connection.outages.isNews("TRANSPORT_UNAVAILABLE")) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `A connection to Redis was lost (${why}). Streams go on, and are written once it is back.`;
    this.#options.onError(new ResumableStreamError("TRANSPORT_UNAVAILABLE", message, { cause }));
  }

  #heard(channel: string, message: string, tell: (signal: WatchSignal) => void): void {
    const page = parseLive(message);
    if (page) return tell({ type: "page", page });
    if (message === MOVED) return tell({ type: "missed" });
    if (this.#told.has(channel)) return;
    this.#told.add(channel);
    const text = `Ignored a foreign message on the channel "${channel}".`;
    this.#options.onError(new ResumableStreamError("MALFORMED_MESSAGE", text));
  }

  #subscribe(
    channel: string,
    listening: { onMessage: (message: string) => void; onReady?: () => void },
  ): StandingSubscription {
    const { clock, connection } = this.#options;
    return new StandingSubscription({
      clock,
      subscriptions: connection.subscriptions,
      channel,
      ...listening,
    });
  }

  #closeInbox(): void {
    this.#cancelIdle();
    if (this.#standing) this.#release(this.#standing);
    this.#standing = undefined;
  }

  #release(standing: StandingSubscription): void {
    const releasing = standing.release().finally(() => this.#releasing.delete(releasing));
    this.#releasing.add(releasing);
    background(releasing, () => undefined);
  }
}
