// Processes over a database: the real transport over Postgres, with its pools, over a model of what its statements do.

import type { CheckedOptions } from "../../src/api/options.ts";
import { FOLLOWED_FLUSH_INTERVAL_MS } from "../../src/contexts/postgres-options.ts";
import { poolDatabase } from "../../src/transports/postgres/pool.ts";
import { SILENCE_MS } from "../../src/transports/postgres/store.ts";
import { postgresTransport } from "../../src/transports/postgres/transport.ts";
import type { Claim, Transport } from "../../src/port/transport.ts";
import type { Backend, BackendOptions, Connected } from "./backend.ts";
import { Dice } from "../../src/testing/dice.ts";
import type { Machine } from "./machine.ts";
import { KEY_PREFIX, type Participant, type Plant } from "./participant.ts";
import type { LogPlan } from "./plan.ts";
import type { Kept } from "./rows.ts";
import { Store } from "./store.ts";
import { STATEMENTS, StoreConnection } from "./store-connection.ts";
import type { World } from "./world.ts";

/** What a context has by default, beside what the plan decides. */
const LISTEN_TIMEOUT_MS = 1_000;

export class LogBackend implements Backend {
  readonly keepsText = true;
  readonly #world: World;
  readonly #plant: Plant;
  readonly #plan: LogPlan;
  readonly #store: Store;
  /** How many claims have a name. */
  #names = 0;

  constructor({ plant, world, plan }: BackendOptions & { plan: LogPlan }) {
    this.#world = world;
    this.#plant = plant;
    this.#plan = plan;
    this.#store = new Store({ now: () => world.now, leaseMs: plan.leaseMs });
  }

  get claims(): Backend["claims"] {
    return this.#store.claims;
  }

  get leaseMs(): number {
    return this.#plan.leaseMs;
  }

  get left(): readonly string[] {
    return [...this.#store.ears].map(() => "a listening connection");
  }

  keyOf(streamId: string): string {
    return `${KEY_PREFIX}:rs:${streamId}`;
  }

  kept(streamId: string, epoch: number): Kept | undefined {
    return this.#store.kept(this.keyOf(streamId), epoch);
  }

  /** What is committed stays. */
  goDown(): boolean {
    return false;
  }

  comeBack(): void {
    this.#store.startedAt = this.#world.now;
  }

  connect(machine: Machine, number: number): Connected {
    const world = this.#world;
    const { isDeaf, maxConnections } = this.#plan;
    const { halfOpenMaxMs, latency, offline, seed } = world.plan;
    const dice = new Dice(seed, 100 + number);
    const execute = this.#plant.execute?.(this.#store) ?? this.#store.execute;
    const connection = new StoreConnection({
      timeline: world.timeline,
      machine,
      dice,
      latency,
      // No pool sends a statement again.
      offline: offline === "resend" ? "queue" : offline,
      log: (line) => world.log(line),
      name: machine.name,
      store: this.#store,
      execute,
      weather: () => world.weather,
      weatherDice: new Dice(seed, 200 + number),
      maxConnections,
      isDeaf,
      halfOpenMs: () => dice.between(0, halfOpenMaxMs),
    });
    const { publisher, subscriber } = connection;
    const createTransport = (owner: Participant, options: CheckedOptions): Transport =>
      this.#createTransport(connection, owner, options);
    return { publisher, subscriber, silenceMs: SILENCE_MS, createTransport };
  }

  #createTransport(connection: StoreConnection, owner: Participant, options: CheckedOptions): Transport {
    const world = this.#world;
    const { flushIntervalMs, leaseMs, pollIntervalMs } = this.#plan;
    const { clock } = owner.machine;
    const pool = connection.pool(this.#plant.query ?? ((query) => query));
    const transport = postgresTransport(
      {
        settings: {
          retentionSeconds: options.retentionSeconds,
          leaseMs,
          flushIntervalMs,
          followedFlushIntervalMs: Math.min(FOLLOWED_FLUSH_INTERVAL_MS, flushIntervalMs),
          pollIntervalMs,
          listenTimeoutMs: LISTEN_TIMEOUT_MS,
          statementTimeoutMs: options.claimTimeoutMs,
        },
        queries: STATEMENTS,
        database: poolDatabase({
          pool,
          listenerPool: connection.listenerPool(),
          clock,
          onError: () => undefined,
        }),
        running: new Set(),
        channel: "simulated",
        clock,
        random: { uuid: () => `name-${++this.#names}` },
        handOver: options.handOver,
        onError: options.onError,
      },
      KEY_PREFIX,
    );
    return watchClaims(transport, { owner, world });
  }
}

/** Tells the world of every claim that a process hears it holds. */
export function watchClaims(
  transport: Transport,
  { owner, world }: { owner: Participant; world: World },
): Transport {
  const claim = transport.claim.bind(transport);
  transport.claim = async (streamId, request) => {
    const askedAt = world.now;
    const won = ({ epoch }: Claim): void => {
      if (request.mode === "supersede") world.superseding.add(epoch);
      world.won(owner, streamId, { askedAt, epoch });
    };
    const onLate = (late: Claim): boolean => {
      won(late);
      return request.onLate?.(late) ?? false;
    };
    const result = await claim(streamId, { ...request, onLate });
    if (result.status === "won") won(result.claim);
    return result;
  };
  return transport;
}
