// Processes over a pub/sub server: the real relay over simulated clients.

import type { CheckedOptions } from "../../src/api/options.ts";
import { relayTransport } from "../../src/transports/relay/relay.ts";
import type { Transport } from "../../src/port/transport.ts";
import type { Backend, BackendOptions, Connected } from "./backend.ts";
import { Connection, relayConnection } from "./connection.ts";
import { Dice } from "../../src/testing/dice.ts";
import type { Machine } from "./machine.ts";
import { KEY_PREFIX, type Participant, type Plant, type Ports } from "./participant.ts";
import { Server } from "./server.ts";
import type { World } from "./world.ts";

const RECORD_PREFIX = `${KEY_PREFIX}:rs:sentinel:`;

export class RelayBackend implements Backend {
  readonly keepsText = false;
  readonly leaseMs = 0;
  readonly #world: World;
  readonly #plant: Plant;
  readonly #server: Server;

  constructor({ plant, world }: BackendOptions) {
    this.#world = world;
    this.#plant = plant;
    this.#server = new Server(
      () => world.now,
      (key) => {
        // With the documented methods a claim is two commands. Who is cut off between them writes over what it finds.
        if (world.plan.client === "atomic") return;
        world.losses.overwrites.push({ streamId: key.slice(RECORD_PREFIX.length), at: world.now });
      },
    );
  }

  get claims(): Backend["claims"] {
    return this.#server.claims;
  }

  get left(): readonly string[] {
    return this.#server.channels;
  }

  keyOf(streamId: string): string {
    return `${RECORD_PREFIX}${streamId}`;
  }

  kept(): undefined {
    return undefined;
  }

  goDown({ isWiped }: { isWiped: boolean }): boolean {
    if (isWiped) this.#server.wipe();
    return isWiped;
  }

  comeBack(): void {
    // Its records say what they said.
  }

  connect(machine: Machine, number: number): Connected {
    const world = this.#world;
    const { client, halfOpenMaxMs, isCounting, latency, offline, seed } = world.plan;
    const dice = new Dice(seed, 100 + number);
    const connection = new Connection({
      timeline: world.timeline,
      machine,
      dice,
      latency,
      offline,
      log: (line) => world.log(line),
      name: machine.name,
      server: this.#server,
      weather: () => world.weather,
      weatherDice: new Dice(seed, 200 + number),
      client,
      isCounting,
      halfOpenMs: () => dice.between(0, halfOpenMaxMs),
    });
    const { publisher, subscriber } = connection;
    const random = new Dice(seed * 64 + number);
    const createTransport = (owner: Participant, options: CheckedOptions): Transport => {
      const ports = this.#plant.ports?.(connection.ports()) ?? connection.ports();
      return relayTransport({
        connection: relayConnection(this.#watchClaims(ports, owner)),
        keyPrefix: KEY_PREFIX,
        settings: options,
        claimTimeoutMs: options.claimTimeoutMs,
        clock: machine.clock,
        random: {
          fraction: () => random.fraction(),
          uuid: () => `${machine.name}-${random.integer(0, 1e9)}`,
        },
        onError: options.onError,
        handOver: options.handOver,
        stepVerdict: this.#plant.stepVerdict,
        stepClaim: this.#plant.stepClaim,
      });
    };
    return { publisher, subscriber, createTransport };
  }

  #watchClaims(ports: Ports, participant: Participant): Ports {
    const world = this.#world;
    const { records } = ports.publish;
    const won = (key: string, claim: { askedAt: number; epoch: number }): void =>
      world.won(participant, key.slice(RECORD_PREFIX.length), claim);
    /** Refused, perhaps by their own first attempt, whose answer was lost: the record tells. */
    const refused = new Map<number, number>();
    const watched: typeof records = {
      ...records,
      get: async (key) => {
        const record = await records.get(key);
        const askedAt = record.status === "claimed" ? refused.get(record.epoch) : undefined;
        if (record.status === "claimed" && askedAt !== undefined) won(key, { askedAt, epoch: record.epoch });
        return record;
      },
      claimIfFree: async (key, claim) => {
        const askedAt = world.now;
        const isWon = await records.claimIfFree(key, claim);
        if (isWon) won(key, { askedAt, epoch: claim.epoch });
        else refused.set(claim.epoch, askedAt);
        return isWon;
      },
      replace: async (key, claim) => {
        const askedAt = world.now;
        world.superseding.add(claim.epoch);
        const previous = await records.replace(key, claim);
        won(key, { askedAt, epoch: claim.epoch });
        return previous;
      },
    };
    return { ...ports, publish: { ...ports.publish, records: watched } };
  }
}
