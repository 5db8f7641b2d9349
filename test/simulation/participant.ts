// A simulated process with the library in it: the real context, engine and transport over a simulated connection and clock.

import { createContext } from "../../src/api/context.ts";
import { checkOptions } from "../../src/api/options.ts";
import type { EndedStream } from "../../src/api/on-end.ts";
import type { CommonOptions } from "../../src/api/common-options.ts";
import type { DurableStreamContext } from "../../src/api/types.ts";
import { stepFollower } from "../../src/engine/follower-state.ts";
import { stepProducer } from "../../src/engine/producer-state.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { PublishPort, SubscribePort } from "../../src/transports/relay/ports.ts";
import type { Transport } from "../../src/port/transport.ts";
import type { Connected } from "./backend.ts";
import type { Machine } from "./machine.ts";
import type { RedisScripts } from "./redis-scripts.ts";
import { watchQueue } from "./queue-watch.ts";
import type { Execute, Store } from "./store.ts";
import type { stepClaim } from "../../src/transports/relay/claim-state.ts";
import type { stepVerdict } from "../../src/transports/relay/verdict.ts";
import type { Query } from "./store-connection.ts";

export const KEY_PREFIX = "sim";

export interface Ports {
  publish: PublishPort;
  subscribe: SubscribePort;
}

/** What a planted bug changes. Absent parts are the library's own. */
export interface Plant {
  stepFollower?: typeof stepFollower;
  stepProducer?: typeof stepProducer;
  stepVerdict?: typeof stepVerdict;
  stepClaim?: typeof stepClaim;
  ports?: (ports: Ports) => Ports;
  /** What the database does with a statement. */
  execute?: (store: Store) => Execute;
  /** What a process sends to the database, and what it makes of the answer. */
  query?: (query: Query) => Query;
  /** What a Redis' scripts do: methods that take the place of its own. */
  scripts?: (scripts: RedisScripts) => Partial<RedisScripts>;
  /** What a process sends to a Redis that keeps the text, and what it makes of the answer. */
  send?: (send: Send) => Send;
  transport?: (transport: Transport, clock: Clock) => Transport;
  options?: Partial<CommonOptions>;
}

export type Send = (words: readonly string[]) => Promise<unknown>;

export interface ParticipantOptions {
  machine: Machine;
  connection: Connected;
  maxQueuedUnits: number;
  plant: Plant;
  /** Takes what has ended; absent if its app doesn't. */
  onEnd: ((participant: Participant, ended: EndedStream) => Promise<void>) | undefined;
  onEndTimeoutMs: number | undefined;
  log: (line: string) => void;
  onQueueTooLong: (units: number) => void;
  onGranted: (participant: Participant, streamId: string, epoch: number) => void;
  /** A source that runs without a claim has got one. */
  onAttached: (participant: Participant, streamId: string, epoch: number) => void;
}

export class Participant {
  readonly machine: Machine;
  readonly connection: Connected;
  readonly context: DurableStreamContext;
  /** Promises given to `waitUntil` that haven't settled. */
  waits = 0;
  isClosing = false;
  /** Where its last producer to end ended. */
  endedAt = 0;
  /** When an outage was last reported; a source that runs without a claim is excused by it. */
  unavailableAt = Number.NEGATIVE_INFINITY;

  constructor(options: ParticipantOptions) {
    const { connection, log, machine, maxQueuedUnits, onQueueTooLong, plant } = options;
    this.machine = machine;
    this.connection = connection;
    const { onEnd, onEndTimeoutMs } = options;
    const given: CommonOptions = {
      keyPrefix: KEY_PREFIX,
      waitUntil: (promise) => this.#keep(promise),
      onError: (error) => {
        log(`${machine.name} reports ${error.code}`);

        if (error.code === "TRANSPORT_UNAVAILABLE") this.unavailableAt = machine.clock.now();
      },
      onEvent: (event) => {
        log(`${machine.name}: ${JSON.stringify(event)}`);
        if (event.type === "ended" && event.role === "producer") this.endedAt = event.offset;
      },
      ...(onEnd && { onEnd: (ended) => onEnd(this, ended) }),
      ...(onEndTimeoutMs !== undefined && { onEndTimeoutMs }),
      ...plant.options,
    };
    const { clock } = machine;
    const checked = checkOptions(given, clock);
    const made = connection.createTransport(this, checked);
    const transport = plant.transport?.(made, clock) ?? made;
    const claim: Transport["claim"] = async (streamId, request) => {
      const onLate: typeof request.onLate = (late) => {
        const isTaken = request.onLate?.(late) ?? false;
        if (isTaken) options.onAttached(this, streamId, late.epoch);
        return isTaken;
      };
      const result = await transport.claim(streamId, { ...request, onLate });
      if (result.status === "won") options.onGranted(this, streamId, result.claim.epoch);
      return result;
    };
    this.context = createContext({
      transport: withMethod(transport, "claim", claim),
      options: { ...checked, livenessMs: Math.max(checked.livenessMs, connection.silenceMs ?? 0) },
      clock,
      parts: {
        stepFollower: watchQueue(plant.stepFollower ?? stepFollower, { maxQueuedUnits, onQueueTooLong }),
        stepProducer: plant.stepProducer ?? stepProducer,
        maxQueuedUnits,
      },
    });
  }

  #keep(promise: Promise<unknown>): void {
    this.waits += 1;
    const settled = (): void => {
      this.waits -= 1;
    };
    promise.then(settled, settled);
  }
}

/** The same transport with one method replaced. */
export function withMethod<K extends keyof Transport>(
  transport: Transport,
  name: K,
  method: Transport[K],
): Transport {
  return new Proxy(transport, {
    get: (target, key) => {
      if (key === name) return method;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
