// A subscription that is tried for again until it stands.

import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { type Clock, sleep } from "../../lib/clock.ts";
import type { Subscription, Subscriptions } from "../relay/subscriptions.ts";

const RETRY = { firstMs: 100, maxMs: 2_000 };

export interface StandingOptions {
  clock: Clock;
  subscriptions: Subscriptions;
  channel: string;
  onMessage: (message: string) => void;
  /** Messages arrive from now on. */
  onReady?: () => void;
}

export class StandingSubscription {
  readonly #options: StandingOptions;
  readonly #closing = new AbortController();
  #subscription: Subscription;

  constructor(options: StandingOptions) {
    this.#options = options;
    this.#subscription = this.#subscribe();
    // Each try has told nobody but this loop, and the loop goes on.
    background(this.#untilReady(), () => undefined);
  }

  /** Settles when the channel is given back. Never rejects. */
  async release(): Promise<void> {
    this.#closing.abort();
    await this.#subscription.release().catch(() => undefined);
  }

  #subscribe(): Subscription {
    const { channel, onMessage, subscriptions } = this.#options;
    return subscriptions.subscribe(channel, (message) => {
      if (!this.#closing.signal.aborted) onMessage(message);
    });
  }

  async #untilReady(): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#subscription.ready;
        if (!signal.aborted) this.#options.onReady?.();
        return;
      } catch {
        await this.#subscription.release().catch(() => undefined);
        await sleep(this.#options.clock, backoffMs(attempt, RETRY), signal);
        if (!signal.aborted) this.#subscription = this.#subscribe();
      }
    }
  }
}
