// A subscription that is tried for again and again until it stands.

import { backoffMs } from "../../lib/backoff.ts";
import { type Clock, sleep } from "../../lib/clock.ts";
import { Latch } from "../../lib/latch.ts";
import type { Subscription, Subscriptions } from "./subscriptions.ts";

const RETRY = { firstMs: 100, maxMs: 2_000 };

export interface StandingOptions {
  clock: Clock;
  subscriptions: Subscriptions;
  channel: string;
  onMessage: (message: string) => void;
  /** Told of each try that failed. */
  onFailed: (error: unknown) => void;
}

export class StandingSubscription {
  /** Settles, and never rejects, when messages arrive or it was released before. */
  readonly ready: Promise<void>;
  readonly #options: StandingOptions;
  readonly #releasing = new Latch();
  /** Replaced while subscribing fails. */
  #subscription: Subscription;

  constructor(options: StandingOptions) {
    this.#options = options;
    this.#subscription = this.#subscribe();
    this.ready = this.#untilReady();
  }

  get isReleased(): boolean {
    return this.#releasing.isSet;
  }

  /** Settles when the channel is given back; rejects if the server refused, or the client has no connection. */
  release(): Promise<void> {
    this.#releasing.set();
    return this.#subscription.release();
  }

  #subscribe(): Subscription {
    const { channel, onMessage, subscriptions } = this.#options;
    return subscriptions.subscribe(channel, onMessage);
  }

  async #untilReady(): Promise<void> {
    const { clock, onFailed } = this.#options;
    for (let attempt = 0; !this.isReleased; attempt++) {
      try {
        return await this.#subscription.ready;
      } catch (error) {
        onFailed(error);
        await this.#subscription.release();
        await sleep(clock, backoffMs(attempt, RETRY), this.#releasing);
        if (!this.isReleased) this.#subscription = this.#subscribe();
      }
    }
  }
}
