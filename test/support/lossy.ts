// A pub/sub that delivers badly: messages get lost, come twice, late, and therefore in another order.

import type { Subscriber } from "../../src/transports/relay/ports.ts";
import { seededRandom } from "../../src/lib/random.ts";

export interface LossyOptions {
  seed: number;
  /** Shares of the messages, from 0 to 1. A relay proves its channels by messages to itself, so not all may be lost. */
  lost: number;
  doubled: number;
  late: number;
  /** How late a late one is, at most. */
  maxDelayMs: number;
}

export interface LossyCounts {
  delivered: number;
  lost: number;
  doubled: number;
  late: number;
}

/**
 * A subscriber that mistreats what another one receives. On this side, so that PUBLISH counts its receivers as it
 * always does, and each of several receivers loses other messages.
 */
export function lossySubscriber(
  inner: Subscriber,
  options: LossyOptions,
): { subscriber: Subscriber; counts: LossyCounts } {
  const random = seededRandom(options.seed);
  const counts: LossyCounts = { delivered: 0, lost: 0, doubled: 0, late: 0 };
  const deliver = (message: string, callback: (message: string) => void): void => {
    counts.delivered += 1;
    if (random() >= options.late) return callback(message);
    counts.late += 1;
    setTimeout(() => callback(message), random() * options.maxDelayMs);
  };
  const mistreat = (message: string, callback: (message: string) => void): void => {
    if (random() < options.lost) {
      counts.lost += 1;
      return;
    }
    deliver(message, callback);
    if (random() >= options.doubled) return;
    counts.doubled += 1;
    deliver(message, callback);
  };
  return {
    counts,
    subscriber: {
      connect: inner.connect,
      subscribe: (channel, callback) => inner.subscribe(channel, (message) => mistreat(message, callback)),
      unsubscribe: (channel) => inner.unsubscribe(channel),
    },
  };
}
