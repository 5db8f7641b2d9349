// A channel that is listened to while somebody needs it, and a little longer.

import type { Cancel } from "../../lib/clock.ts";
import { type StandingOptions, StandingSubscription } from "./standing-subscription.ts";

/** How long it is kept for whoever needs it next: a SUBSCRIBE for each stream would cost as much as some streams. */
const IDLE_MS = 3_000;

export interface KeptOptions extends StandingOptions {
  /** The channel is given back; settles when it is, and rejects as a `StandingSubscription` does. */
  onReleased: (released: Promise<void>) => void;
}

export class KeptSubscription {
  readonly #options: KeptOptions;
  #users = 0;
  #standing: StandingSubscription | undefined;
  #cancelIdle: Cancel = () => {};

  constructor(options: KeptOptions) {
    this.#options = options;
  }

  /** Somebody needs it, until what this returns is called. */
  use(): () => void {
    this.#users += 1;
    this.#cancelIdle();
    this.#standing ??= new StandingSubscription(this.#options);
    let isUsing = true;
    return () => {
      if (!isUsing) return;
      isUsing = false;
      this.#users -= 1;
      if (this.#users === 0) this.#cancelIdle = this.#options.clock.meanwhile(IDLE_MS, () => this.close());
    };
  }

  /** Gives the channel back, whoever needs it. */
  close(): void {
    this.#cancelIdle();
    const standing = this.#standing;
    this.#standing = undefined;
    if (standing) this.#options.onReleased(standing.release());
  }
}
