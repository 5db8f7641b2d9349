// The channel on which a producer gets its requests: subscribed again and again until it works.

import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/clock.ts";
import type { RelayParts } from "./parts.ts";
import type { Subscription } from "./subscriptions.ts";

const RETRY = { firstMs: 100, maxMs: 2_000 };

export interface InboxOptions {
  relay: RelayParts;
  channel: string;
  onMessage: (message: string) => void;
}

export class Inbox {
  /** Settles, and never rejects, when messages arrive or it was closed before. */
  readonly ready: Promise<void>;
  readonly #options: InboxOptions;
  readonly #closing = new AbortController();
  /** Replaced while subscribing fails. */
  #subscription: Subscription;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#subscription = this.#subscribe();
    this.ready = this.#untilSubscribed();
  }

  /** Settles when the channel is given back. Never rejects. */
  async close(): Promise<void> {
    this.#closing.abort();
    const { link } = this.#options.relay;
    try {
      await link.subscribed("unsubscribe from", this.#subscription.release());
    } catch (error) {
      link.report(error);
    }
  }

  #subscribe(): Subscription {
    const { relay, channel, onMessage } = this.#options;
    return relay.subscriptions.subscribe(channel, onMessage);
  }

  async #untilSubscribed(): Promise<void> {
    const { clock, link } = this.#options.relay;
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      try {
        return await this.#subscription.ready;
      } catch (error) {
        link.report(error);
        await this.#subscription.release();
        await sleep(clock, backoffMs(attempt, RETRY), this.#closing.signal);
        if (!this.#closing.signal.aborted) this.#subscription = this.#subscribe();
      }
    }
  }
}
