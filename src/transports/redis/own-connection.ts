// A connection that we made: opened with its first use, and made anew once it is silent or can't do what it is for.

import { background } from "../../lib/background.ts";
import { type Cancel, type Clock, systemClock, withDeadline } from "../../lib/clock.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** A NAT or a firewall that forgot a connection says nothing; a new one would work at once. Below every deadline of ours. */
const SILENT_MS = 1_500;
/** How often a connection that only listens is asked whether it still hears. */
const PING_MS = 5_000;
/** A server that is slow for everybody isn't cured by new connections. */
const BETWEEN_REPLACEMENTS_MS = 5_000;
/** Errors of a node that isn't the master any more, or not yet. */
const UNFIT = /^(READONLY|LOADING|MASTERDOWN|NOREPLICAS|UNBLOCKED|CLUSTERDOWN)\b/;

interface Listener {
  kind: "reconnect" | "error";
  call: (error: unknown) => void;
  stop: () => void;
}

export interface OwnConnectionOptions {
  isCluster: boolean;
  /** How often it is asked whether it still hears, while it is subscribed to something. */
  pingMs?: number;
  clock?: Clock;
}

/** Opens again where opening failed. Whatever is sent may be sent again: reads, messages and scripts that may come twice. */
export function ownConnection(
  open: () => Promise<RedisConnection>,
  { isCluster, clock = systemClock, pingMs = PING_MS }: OwnConnectionOptions,
): RedisConnection {
  const connection = new OwnConnection(open, { clock, isOrdered: !isCluster, pingMs });
  return {
    isCluster,
    command: (words, key) => connection.command(words, key),
    subscribe: (channel, onMessage) => connection.subscribe(channel, onMessage),
    unsubscribe: (channel) => connection.unsubscribe(channel),
    onReconnect: (call) => connection.listen("reconnect", () => call()),
    onError: (call) => connection.listen("error", call),
    destroy: () => connection.destroy(),
  };
}

class OwnConnection {
  readonly #open: () => Promise<RedisConnection>;
  readonly #clock: Clock;
  readonly #pingMs: number;
  readonly #isOrdered: boolean;
  readonly #listeners = new Set<Listener>();
  readonly #channels = new Map<string, (message: string) => void>();
  #opening: Promise<RedisConnection> | undefined;
  #opened: RedisConnection | undefined;
  #isDestroyed = false;
  #replacedAt: number | undefined;
  /** When a connection last answered; absent until one did. */
  #answeredAt: number | undefined;
  #cancelPing: Cancel = () => {};
  /** Of the connection that is there, or on its way. */
  #destroyOpening: () => void = () => {};

  /** `isOrdered`: it answers in the order of what it is sent. */
  constructor(
    open: () => Promise<RedisConnection>,
    { clock, isOrdered, pingMs }: { clock: Clock; isOrdered: boolean; pingMs: number },
  ) {
    this.#open = open;
    this.#clock = clock;
    this.#isOrdered = isOrdered;
    this.#pingMs = pingMs;
  }

  async command(words: string[], key?: string): Promise<unknown> {
    const connection = await this.#connection();
    try {
      return await this.#answered(connection.command(words, key));
    } catch (error) {
      if (!isSick(error) || !this.#replace(connection)) throw error;
      const next = await this.#connection();
      return next.command(words, key);
    }
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<void> {
    // A connection that opens subscribes to all channels that there are.
    const opens = this.#opened === undefined && this.#opening === undefined;
    this.#channels.set(channel, onMessage);
    try {
      const connection = await this.#connection();
      if (!opens) await this.#subscribeOn(connection, { channel, onMessage });
    } catch (error) {
      this.#channels.delete(channel);
      throw error;
    }
    this.#schedulePing();
  }

  async #subscribeOn(
    connection: RedisConnection,
    { channel, onMessage }: { channel: string; onMessage: (message: string) => void },
  ): Promise<void> {
    try {
      await this.#answered(connection.subscribe(channel, onMessage));
    } catch (error) {
      if (!isSick(error) || !this.#replace(connection)) throw error;
      // With all the others.
      await this.#connection();
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel);
    if (this.#channels.size === 0) this.#cancelPing();
    // A connection that is still to be opened won't subscribe to it.
    await (this.#opened ?? (await this.#opening))?.unsubscribe(channel);
  }

  listen(kind: Listener["kind"], call: Listener["call"]): () => void {
    const listener: Listener = { kind, call, stop: () => undefined };
    this.#listeners.add(listener);
    if (this.#opened) attach(listener, this.#opened);
    return () => {
      this.#listeners.delete(listener);
      listener.stop();
    };
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#cancelPing();
    this.#destroyOpening();
  }

  async #connection(): Promise<RedisConnection> {
    if (this.#opened) return this.#opened;
    this.#opening ??= this.#openOnce().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #openOnce(): Promise<RedisConnection> {
    const connection = await this.#open();
    // Without a listener an error event would end the process, also after everybody stopped listening.
    connection.onError(() => undefined);
    this.#destroyOpening = () => connection.destroy();
    if (this.#isDestroyed) connection.destroy();
    try {
      const channels = [...this.#channels].map(([channel, onMessage]) =>
        this.#heard(connection.subscribe(channel, onMessage)),
      );
      if (channels.length > 0) await this.#answered(Promise.all(channels));
    } catch (error) {
      connection.destroy();
      throw error;
    }
    this.#opened = connection;
    for (const listener of this.#listeners) attach(listener, connection);
    return connection;
  }

  #answered<T>(answer: Promise<T>): Promise<T> {
    return withDeadline(this.#clock, this.#heard(answer), {
      timeoutMs: SILENT_MS,
      late: () => new Silence(),
      answeredAt: this.#isOrdered ? () => this.#answeredAt : undefined,
    });
  }

  #heard<T>(answer: Promise<T>): Promise<T> {
    return answer.then((value) => {
      this.#answeredAt = this.#clock.now();
      return value;
    });
  }

  /** Lets go of a sick connection; what comes next opens another. False if that would help nobody. */
  #replace(sick: RedisConnection): boolean {
    if (this.#isDestroyed) return false;
    // Others found it sick as well, and one of them was first.
    if (this.#opened !== sick) return true;
    const now = this.#clock.now();
    if (this.#replacedAt !== undefined && now - this.#replacedAt < BETWEEN_REPLACEMENTS_MS) return false;
    this.#replacedAt = now;
    this.#opened = undefined;
    this.#opening = undefined;
    for (const { stop } of this.#listeners) stop();
    sick.destroy();
    const back = this.#connection().then(() => {
      for (const { kind, call } of this.#listeners) if (kind === "reconnect") call(undefined);
    });
    // Whoever asks next is told.
    background(back, () => undefined);
    return true;
  }

  #schedulePing(): void {
    this.#cancelPing();
    if (this.#isDestroyed || this.#channels.size === 0) return;
    this.#cancelPing = this.#clock.after(this.#pingMs, () => {
      background(
        this.command(["PING"]).finally(() => this.#schedulePing()),
        () => {
          // A sick connection was replaced; for what else failed, the next ping tries again.
        },
      );
    });
  }
}

class Silence extends Error {
  constructor() {
    super(`No answer within ${SILENT_MS} ms.`);
  }
}

function isSick(error: unknown): boolean {
  return error instanceof Silence || (error instanceof Error && UNFIT.test(error.message));
}

function attach(listener: Listener, connection: RedisConnection): void {
  listener.stop =
    listener.kind === "error"
      ? connection.onError(listener.call)
      : connection.onReconnect(() => listener.call(undefined));
}
