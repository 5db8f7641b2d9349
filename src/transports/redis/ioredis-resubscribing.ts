// On a new connection ioredis subscribes again by itself, once. If that is refused, as by an access list that has changed, nobody hears of
// it, which ends the process; and the connection is deaf for ever, as it looks well.

import { background } from "../../lib/background.ts";
import { systemClock } from "../../lib/clock.ts";
import { shared } from "../../lib/shared.ts";
import type { IoredisClient } from "./ioredis.ts";

/** How soon a refused subscription is tried again: followers read meanwhile. */
const AGAIN_MS = 1_000;

/** The channels that are listened to, by connections of ours over one client. */
type Listened = Set<ReadonlyMap<string, unknown>>;

const listenedOf = shared("ioredis-listened.1", () => new WeakMap<IoredisClient, Listened>());

/** Has a client's refused subscriptions tried again: of what is in these while they are. */
export function resubscribing(client: IoredisClient): Listened {
  const known = listenedOf.get(client);
  if (known) return known;
  const listened: Listened = new Set();
  listenedOf.set(client, listened);
  const subscribe = client.subscribe.bind(client);
  let isWaiting = false;
  const tryAgain = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    systemClock.meanwhile(AGAIN_MS, () => {
      isWaiting = false;
      const channels = [...listened].flatMap((handlers) => [...handlers.keys()]);
      if (channels.length > 0 && client.status !== "end") background(subscribe(...channels), tryAgain);
    });
  };
  client.subscribe = (...channels) => {
    const subscribing = subscribe(...channels);
    // The client itself passes a list. Whoever else subscribes hears of a refusal.
    const [first]: unknown[] = channels;
    if (Array.isArray(first)) background(subscribing, tryAgain);
    return subscribing;
  };
  return listened;
}

const kept = new WeakSet<ReadonlyMap<string, unknown>>();

/**
 * The same for a Cluster, whose subscriber connects anew by itself, and keeps a refusal to itself. What a SUBSCRIBE of one channel
 * is answered tells how many there are.
 */
export function keepSubscribed(cluster: IoredisClient, listened: ReadonlyMap<string, unknown>): void {
  if (kept.has(listened)) return;
  kept.add(listened);
  systemClock.meanwhile(AGAIN_MS, () => {
    kept.delete(listened);
    const [first] = listened.keys();
    if (first === undefined || cluster.status === "end") return;
    const asking = cluster.subscribe(first).then(async (count) => {
      if (Number(count) < listened.size) await cluster.subscribe(...listened.keys());
    });
    const again = (): void => keepSubscribed(cluster, listened);
    background(asking.then(again), again);
  });
}
