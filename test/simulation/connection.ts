// A simulated client pair, as the relay's connection: a publisher and a subscriber over a wire each.

import { publishPort, subscribePort } from "../../src/transports/generic/relay-ports.ts";
import type { PublishPort, StatusRecords, SubscribePort } from "../../src/transports/relay/ports.ts";
import type { RelayConnection } from "../../src/transports/relay/relay-options.ts";
import { Subscriptions } from "../../src/transports/relay/subscriptions.ts";
import type { Dice } from "../../src/testing/dice.ts";
import type { Ear, Server } from "./server.ts";
import { Wire, type WireOptions } from "./wire.ts";

/** How badly messages are delivered, as shares from 0 to 1. */
export interface Weather {
  lost: number;
  doubled: number;
  late: number;
  maxLateMs: number;
}

export interface ConnectionOptions extends Omit<WireOptions, "name"> {
  name: string;
  server: Server;
  weather: () => Weather | undefined;
  weatherDice: Dice;
  /** `atomic`: with Redis's commands and signals; `documented`: no more than the documented methods. */
  client: "atomic" | "documented";
  /** Whether publishing tells how many received it. */
  isCounting: boolean;
  /** Between two looks of the server at a connection that is gone. */
  halfOpenMs: () => number;
}

export class Connection {
  readonly publisher: Wire;
  readonly subscriber: Wire;

  readonly #options: ConnectionOptions;
  readonly #handlers = new Map<string, (message: string) => void>();
  /** What the server is known to have: a client that is back subscribes it again. */
  readonly #acknowledged = new Set<string>();
  #ear: Ear;
  readonly #publisherBack = new Set<() => void>();
  readonly #subscriberBack = new Set<() => void>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.publisher = new Wire({ ...options, name: `${options.name}.pub` });
    this.subscriber = new Wire({ ...options, name: `${options.name}.sub` });
    this.#ear = this.#newEar();
    this.publisher.onUp = () => this.#tell(this.#publisherBack);
    this.subscriber.onDown = () => this.#onSubscriberDown();
    // In the process: one that is frozen hears of its subscriptions first, and subscribes them again when it thaws.
    this.subscriber.onUp = () => options.machine.enter(() => this.#onSubscriberUp());
  }

  ports(): { publish: PublishPort; subscribe: SubscribePort } {
    if (this.#options.client === "atomic")
      return { publish: this.#publishPort(), subscribe: this.#subscribePort() };
    const publisher = this.#publishPort();
    const { server } = this.#options;
    const command = this.publisher.command.bind(this.publisher);
    const subscriber = this.#subscribePort();
    return {
      publish: publishPort({
        publish: (channel, message) => publisher.publish(channel, message),
        get: (key) => command(`GET ${key}`, () => server.get(key)),
        set: (key, value, options) =>
          command(`SET ${key} ${value}`, () => server.set(key, value, options?.EX)),
        incr: (key) => command(`INCR ${key}`, () => server.incr(key)),
      }),
      subscribe: subscribePort({
        subscribe: (channel, onMessage) => subscriber.subscribe(channel, onMessage),
        unsubscribe: (channel) => subscriber.unsubscribe(channel),
      }),
    };
  }

  #publishPort(): PublishPort {
    const { isCounting, server } = this.#options;
    return {
      isOrdered: true,
      publish: async (channel, message) => {
        const receivers = await this.publisher.command(`PUBLISH ${channel} ${preview(message)}`, () =>
          server.publish(channel, message),
        );
        return isCounting ? receivers : undefined;
      },
      records: this.#records(),
      onReconnect: (listener) => listen(this.#publisherBack, listener),
    };
  }

  #records(): StatusRecords {
    const { server } = this.#options;
    const command = this.publisher.command.bind(this.publisher);
    return {
      get: (key) => command(`GET ${key}`, () => server.record(key)),
      claimIfFree: (key, claim) =>
        command(`CLAIM ${key} ${claim.epoch}`, () => server.claimIfFree(key, claim)),
      replace: (key, claim) => command(`REPLACE ${key} ${claim.epoch}`, () => server.replace(key, claim)),
      renew: (key, claim) => command(`RENEW ${key} ${claim.epoch}`, () => server.renew(key, claim)),
      lastEnd: (key) => command(`GET ${key} end`, () => server.lastEnd(key)),
      finish: (key, claim, last) =>
        command(`FINISH ${key} ${claim.epoch}`, () => server.finish(key, claim, last)),
      freeIf: (key, raw) => command(`FREE ${key} if ${raw}`, () => server.freeIf(key, raw)),
    };
  }

  #subscribePort(): SubscribePort {
    const { server } = this.#options;
    return {
      subscribe: async (channel, onMessage) => {
        try {
          await this.subscriber.command(`SUBSCRIBE ${channel}`, () => {
            this.#handlers.set(channel, onMessage);
            server.subscribe(channel, this.#ear);
          });
          this.#acknowledged.add(channel);
        } catch (error) {
          this.#handlers.delete(channel);
          throw error;
        }
      },
      unsubscribe: async (channel) => {
        this.#handlers.delete(channel);
        this.#acknowledged.delete(channel);
        await this.subscriber.command(`UNSUBSCRIBE ${channel}`, () => server.unsubscribe(channel, this.#ear));
      },
      onReconnect: (listener) => listen(this.#subscriberBack, listener),
    };
  }

  #newEar(): Ear {
    const { connection } = this.subscriber;
    return { hear: (channel, message) => this.#hear(channel, message, connection) };
  }

  #hear(channel: string, message: string, connection: number): void {
    const { log, name, weather, weatherDice } = this.#options;
    const now = weather();
    const hand = (): void => {
      log(`${name} gets ${channel} ${preview(message)}`);
      this.#handlers.get(channel)?.(message);
    };
    if (!now) return this.subscriber.deliver(hand, { lateMs: 0, connection });
    if (weatherDice.chance(now.lost))
      return log(`lost on the way to ${name}: ${channel} ${preview(message)}`);
    const copies = weatherDice.chance(now.doubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const lateMs = weatherDice.chance(now.late) ? weatherDice.between(1, now.maxLateMs) : 0;
      this.subscriber.deliver(hand, { lateMs, connection });
    }
  }

  #onSubscriberDown(): void {
    const { halfOpenMs, server, timeline } = this.#options;
    const gone = this.#ear;
    timeline.after(halfOpenMs(), () => server.forget(gone));
    this.#ear = this.#newEar();
  }

  /** As clients do: everything is subscribed again, and then told. */
  #onSubscriberUp(): void {
    const { server } = this.#options;
    const channels = [...this.#acknowledged];
    const subscribed = channels.map((channel) =>
      this.subscriber.command(`SUBSCRIBE ${channel} again`, () => {
        if (this.#acknowledged.has(channel)) server.subscribe(channel, this.#ear);
      }),
    );
    void Promise.allSettled(subscribed).then(() => {
      if (this.subscriber.isUp) this.#tell(this.#subscriberBack);
    });
  }

  #tell(listeners: ReadonlySet<() => void>): void {
    this.#options.machine.enter(() => {
      for (const listener of listeners) listener();
    });
  }
}

/** The connection that a relay takes, over ports that a test may have changed. */
export function relayConnection(ports: { publish: PublishPort; subscribe: SubscribePort }): RelayConnection {
  return {
    publishPort: ports.publish,
    subscriptions: new Subscriptions(ports.subscribe),
    onSubscriberReconnect: (listener) => ports.subscribe.onReconnect(listener),
    onError: () => () => undefined,
    close: () => undefined,
  };
}

function listen(listeners: Set<() => void>, listener: () => void): () => void {
  const own = (): void => listener();
  listeners.add(own);
  return () => listeners.delete(own);
}

/** A message for the trace: its header, and how long it is. */
function preview(message: string): string {
  const [header = "", body] = message.split("\n", 2);
  return body === undefined ? header : `[${header} +${body.length}]`;
}
