// One subscription per channel however many use it, subscribed with the first and unsubscribed with the last.

import type { SubscribePort } from "./ports.ts";

export interface Subscription {
  /** Resolves once messages arrive; rejects if the server refused. */
  ready: Promise<void>;
  /** Settles when the channel is given back; rejects if the server refused, or the client has no connection. */
  release: () => Promise<void>;
}

interface Channel {
  readonly listeners: Set<(message: string) => void>;
  /** The last subscribe or unsubscribe; the next one waits for it, so that they never overtake each other. */
  settled: Promise<void>;
  /** The subscribe that serves the listeners; absent while there is none, or after it failed. */
  subscribed: Promise<void> | undefined;
}

export class Subscriptions {
  readonly #port: SubscribePort;
  readonly #channels = new Map<string, Channel>();

  constructor(port: SubscribePort) {
    this.#port = port;
  }

  subscribe(name: string, onMessage: (message: string) => void): Subscription {
    const channel = this.#channels.get(name) ?? {
      listeners: new Set(),
      settled: Promise.resolve(),
      subscribed: undefined,
    };
    this.#channels.set(name, channel);
    // Every user has a listener of its own, even where two pass the same function.
    const listener = (message: string): void => onMessage(message);
    channel.listeners.add(listener);
    channel.subscribed ??= this.#open(name, channel);
    let released: Promise<void> | undefined;
    return {
      ready: channel.subscribed,
      release: () => {
        released ??= this.#release(name, channel, listener);
        return released;
      },
    };
  }

  #open(name: string, channel: Channel): Promise<void> {
    const subscribed = channel.settled.then(() =>
      this.#port.subscribe(name, (message) => {
        for (const listener of channel.listeners) listener(message);
      }),
    );
    channel.settled = subscribed.catch(() => {
      if (channel.subscribed === subscribed) channel.subscribed = undefined;
    });
    return subscribed;
  }

  #release(name: string, channel: Channel, listener: (message: string) => void): Promise<void> {
    channel.listeners.delete(listener);
    if (channel.listeners.size > 0) return Promise.resolve();
    const { subscribed } = channel;
    const close = async (): Promise<void> => {
      // Nothing to unsubscribe: the channel was subscribed again meanwhile, and its last user will end that subscription.
      if (channel.listeners.size > 0 || subscribed === undefined || channel.subscribed !== subscribed) return;
      channel.subscribed = undefined;
      await this.#port.unsubscribe(name);
    };
    const closed = channel.settled.then(close);
    const settled = closed
      .catch(() => undefined)
      .then(() => {
        if (channel.listeners.size === 0 && channel.settled === settled) this.#channels.delete(name);
      });
    channel.settled = settled;
    return closed;
  }
}
