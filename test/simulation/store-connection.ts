// Simulated pools of connections to the database: one for statements, one for the connection that listens.

import type { PostgresClient, PostgresPool } from "../../src/transports/postgres/pool-port.ts";
import type { Queries } from "../../src/transports/postgres/queries.ts";
import type { Weather } from "./connection.ts";
import type { Dice } from "../../src/testing/dice.ts";
import type { Rows } from "./rows.ts";
import type { Execute, StatementName, Store } from "./store.ts";
import { Wire, type WireOptions } from "./wire.ts";

/** Statements by their own names: the model knows what each does, and not how it is written. */
export const STATEMENTS: Queries = {
  claim: "claim",
  append: "append",
  renew: "renew",
  read: "read",
  check: "check",
  mark: "mark",
  status: "status",
  stop: "stop",
  lastEnd: "lastEnd",
  elect: "elect",
  handedOver: "handedOver",
  takeOwed: "takeOwed",
  notify: "notify",
  release: "release",
  expire: "expire",
  abandon: "abandon",
};

export type Query = (name: StatementName, values: readonly unknown[]) => Promise<Rows>;

export interface StoreConnectionOptions extends WireOptions {
  store: Store;
  execute: Execute;
  weather: () => Weather | undefined;
  weatherDice: Dice;
  /** How many connections its pool has. */
  maxConnections: number;
  /** A pooler takes `listen` and gives it no connection of its own: nothing arrives. */
  isDeaf: boolean;
  /** After how long a process hears that its listening connection broke. */
  halfOpenMs: () => number;
}

type Listener = (...args: unknown[]) => void;

export class StoreConnection {
  readonly publisher: Wire;
  readonly subscriber: Wire;

  readonly #options: StoreConnectionOptions;
  #lent = 0;
  /** Who waits for a connection: one in use, or one that can be made again. */
  readonly #waiting: Array<() => void> = [];

  constructor(options: StoreConnectionOptions) {
    this.#options = options;
    const { name } = options;
    const lagMs = (): number => this.#lagMs();
    this.publisher = new Wire({ ...options, name: `${name}.sql`, lagMs, isOrdered: false });
    this.subscriber = new Wire({ ...options, name: `${name}.listen` });
    this.publisher.onUp = () => options.machine.enter(() => this.#lend());
  }

  pool(change: (query: Query) => Query): PostgresPool {
    const query = change((name, values) => this.#statement(name, values));
    const client = (): PostgresClient => {
      let isLent = true;
      return {
        query: async (statement, values = []) => ({ rows: await query(statement as StatementName, values) }),
        release: () => {
          if (isLent) this.#lent -= 1;
          isLent = false;
          this.#lend();
        },
      };
    };
    return {
      query: () => Promise.reject(new Error("The library takes a connection for each statement.")),
      connect: () =>
        new Promise((resolve, reject) => {
          if (!this.publisher.isUp && this.#options.offline === "reject")
            return reject(new Error("connect ECONNREFUSED"));
          this.#waiting.push(() => resolve(client()));
          this.#lend();
        }),
    };
  }

  listenerPool(): PostgresPool {
    return {
      query: () => Promise.reject(new Error("Nobody asks the listener's pool.")),
      connect: () =>
        this.subscriber.isUp
          ? Promise.resolve(this.#listeningClient())
          : Promise.reject(new Error("connect ECONNREFUSED")),
    };
  }

  #lend(): void {
    while (this.publisher.isUp && this.#lent < this.#options.maxConnections) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#lent += 1;
      next();
    }
  }

  #statement(name: StatementName, values: readonly unknown[]): Promise<Rows> {
    const { execute, weather, weatherDice } = this.#options;
    return this.publisher.command(preview(name, values), () => {
      const rows = execute(name, values);
      if (weatherDice.chance(weather()?.lost ?? 0)) throw new Error("Connection terminated unexpectedly");
      return rows;
    });
  }

  /** How long the server takes for a statement that has arrived, whatever becomes of the connection. */
  #lagMs(): number {
    const { weather, weatherDice } = this.#options;
    const now = weather();
    return now && weatherDice.chance(now.late) ? weatherDice.between(1, now.maxLateMs) : 0;
  }

  #listeningClient(): PostgresClient {
    const { halfOpenMs, isDeaf, machine, store, timeline } = this.#options;
    const listeners = new Map<string, Set<Listener>>();
    const emit = (event: string, value: unknown): void => {
      for (const listener of listeners.get(event) ?? []) listener(value);
    };
    const channels = new Set<string>();
    let isReleased = false;
    const { connection } = this.subscriber;
    const ear = (channel: string, payload: string): void =>
      this.#hear(payload, connection, () => emit("notification", { channel, payload }));
    // Told late that it broke, or never, where it was given back meanwhile.
    const stopWatching = listen(this.#broken, () => {
      store.ears.delete(ear);
      timeline.after(halfOpenMs(), () =>
        machine.enter(() => emit("error", new Error("Connection terminated unexpectedly"))),
      );
    });
    this.subscriber.onDown = () => {
      for (const listener of this.#broken) listener();
    };
    return {
      on: (event, listener) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
      removeListener: (event, listener) => listeners.get(event)?.delete(listener),
      query: (statement) =>
        this.subscriber.command("listen", () => {
          for (const [, un, channel = ""] of statement.matchAll(/(un)?listen "(.+?)"/g)) {
            if (un) channels.delete(channel);
            else channels.add(channel);
          }
          if (!isDeaf && !isReleased) store.ears.set(ear, channels);
          return { rows: [] };
        }),
      release: () => {
        isReleased = true;
        stopWatching();
        store.ears.delete(ear);
        listeners.clear();
      },
    };
  }

  /** What goes on when the listener's connection breaks. */
  readonly #broken = new Set<() => void>();

  #hear(payload: string, connection: number, hand: () => void): void {
    const { log, name, weather, weatherDice } = this.#options;
    const now = weather();
    const what = payload.slice(0, 1);
    if (now && weatherDice.chance(now.lost)) return log(`lost on the way to ${name}: hint ${what}`);
    const copies = now && weatherDice.chance(now.doubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const lateMs = now && weatherDice.chance(now.late) ? weatherDice.between(1, now.maxLateMs) : 0;
      this.subscriber.deliver(
        () => {
          log(`${name} gets hint ${what}`);
          hand();
        },
        { lateMs, connection },
      );
    }
  }
}

function listen(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A statement for the trace. A listener's own name in a proof is left out: it is drawn anew each time. */
function preview(name: StatementName, values: readonly unknown[]): string {
  const shown = name === "notify" ? [] : name === "check" ? values.slice(0, 1) : values;
  return `${name} ${shown.map((value) => String(value).slice(0, 160)).join(" ")}`;
}
