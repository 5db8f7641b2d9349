// Processes over a Redis that keeps the text: the real store and log over a model of the five scripts.

import type { CheckedOptions } from "../../src/api/options.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Transport } from "../../src/port/transport.ts";
import { Outages } from "../../src/transports/log/outages.ts";
import { logTransport } from "../../src/transports/log/transport.ts";
import type { LogConnection } from "../../src/transports/redis-log/connection.ts";
import { keyOf } from "../../src/transports/redis-log/names.ts";
import { LogRequests } from "../../src/transports/redis-log/requests.ts";
import { SCRIPTS, type ScriptName } from "../../src/transports/redis-log/scripts.ts";
import { RedisStore } from "../../src/transports/redis-log/store.ts";
import { Subscriptions } from "../../src/transports/relay/subscriptions.ts";
import { Dice } from "../../src/testing/dice.ts";
import type { Backend, BackendOptions, Connected } from "./backend.ts";
import { Connection } from "./connection.ts";
import { watchClaims } from "./log-backend.ts";
import type { Machine } from "./machine.ts";
import { KEY_PREFIX, type Participant, type Plant } from "./participant.ts";
import type { RedisLogPlan } from "./plan.ts";
import { RedisLogServer } from "./redis-log-server.ts";
import type { Kept } from "./rows.ts";
import type { World } from "./world.ts";

/** Scripts by their hashes. Made before all else: a digest takes real time, and in a simulation nothing may. */
const HASHES = await hashesOfScripts();

export class RedisLogBackend implements Backend {
  readonly keepsText = true;
  readonly server: RedisLogServer;
  readonly #world: World;
  readonly #plant: Plant;
  readonly #plan: RedisLogPlan;

  constructor({ plant, world, plan }: BackendOptions & { plan: RedisLogPlan }) {
    this.#world = world;
    this.#plant = plant;
    this.#plan = plan;
    this.server = new RedisLogServer(() => world.now, HASHES);
    if (plant.scripts) Object.assign(this.server.scripts, plant.scripts(this.server.scripts));
  }

  get claims(): Backend["claims"] {
    return this.server.claims;
  }

  get leaseMs(): number {
    return this.#plan.leaseMs;
  }

  get left(): readonly string[] {
    return this.server.channels.channels;
  }

  keyOf(streamId: string): string {
    return keyOf(KEY_PREFIX, streamId);
  }

  kept(streamId: string, epoch: number): Kept | undefined {
    return this.server.kept(this.keyOf(streamId), epoch);
  }

  goDown(how: { isWiped: boolean }): boolean {
    this.server.restart(how);
    return how.isWiped;
  }

  comeBack(): void {
    this.server.started();
  }

  fallBehind(): (how: { skewMs: number }) => void {
    return this.server.fallBehind();
  }

  evict(streamId: string, part: "record" | "tail" | "text"): void {
    this.server.evict(this.keyOf(streamId), part);
  }

  connect(machine: Machine, number: number): Connected {
    const world = this.#world;
    const { halfOpenMaxMs, latency, offline, seed } = world.plan;
    const dice = new Dice(seed, 100 + number);
    const connection = new Connection({
      timeline: world.timeline,
      machine,
      dice,
      latency,
      offline,
      log: (line) => world.log(line),
      name: machine.name,
      server: this.server.channels,
      weather: () => world.weather,
      weatherDice: new Dice(seed, 200 + number),
      client: "atomic",
      isCounting: true,
      halfOpenMs: () => dice.between(0, halfOpenMaxMs),
    });
    const { publisher, subscriber } = connection;
    const createTransport = (owner: Participant, options: CheckedOptions): Transport =>
      this.#createTransport(connection, owner, options);
    return { publisher, subscriber, createTransport };
  }

  #createTransport(connection: Connection, owner: Participant, options: CheckedOptions): Transport {
    const world = this.#world;
    const { flushIntervalMs, leaseMs } = this.#plan;
    const { claimTimeoutMs, handOver, onError, retentionSeconds } = options;
    const { clock, name } = owner.machine;
    const store = new RedisStore({
      connection: this.#logConnection(connection, owner),
      keyPrefix: KEY_PREFIX,
      retentionSeconds,
      leaseMs,
      requestTimeoutMs: claimTimeoutMs,
      clock,
      name,
      onError,
    });
    const transport = logTransport({
      store,
      settings: { leaseMs, flushIntervalMs, followedFlushIntervalMs: 0, requestTimeoutMs: claimTimeoutMs },
      clock,
      handOver,
      onError,
    });
    return watchClaims(transport, { owner, world });
  }

  #logConnection(connection: Connection, { machine }: Participant): LogConnection {
    const { server } = this;
    const { publish, subscribe } = connection.ports();
    const send = (words: readonly string[]): Promise<unknown> =>
      connection.publisher.command(server.describe(words), () => server.execute(words));
    return {
      send: this.#plant.send?.(send) ?? send,
      isOrdered: true,
      subscriptions: new Subscriptions(subscribe),
      outages: new Outages(machine.clock),
      onReconnect: (listener) => {
        const stops = [publish.onReconnect(listener), subscribe.onReconnect(listener)];
        return () => {
          for (const stop of stops) stop();
        };
      },
      onError: () => () => undefined,
      isClosed: () => false,
      close: () => undefined,
    };
  }
}

async function hashesOfScripts(): Promise<ReadonlyMap<string, ScriptName>> {
  const hashes = new Map<string, ScriptName>();
  for (const name of Object.keys(SCRIPTS) as ScriptName[]) {
    const connection: LogConnection = {
      send: async ([, hash = ""]) => hashes.set(hash, name),
      isOrdered: true,
      subscriptions: new Subscriptions({
        subscribe: async () => undefined,
        unsubscribe: async () => undefined,
        onReconnect: () => () => undefined,
      }),
      outages: new Outages(systemClock),
      onReconnect: () => () => undefined,
      onError: () => () => undefined,
      isClosed: () => false,
      close: () => undefined,
    };
    const onError = (): void => undefined;
    const requests = new LogRequests({
      connection,
      clock: systemClock,
      timeoutMs: 1_000,
      leaseMs: 1,
      onError,
    });
    await requests.run(name, "", []);
  }
  return hashes;
}
