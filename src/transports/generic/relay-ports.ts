// A publisher and a subscriber with the documented methods and no more, as the relay's ports. The only atomic step they
// have is `INCR`, so a claim takes two: who counts to one has won, and then names its epoch.

import { type PublishPort, type StatusRecords, type SubscribePort } from "../relay/ports.ts";
import { claimValue, DONE, endKey, endValue, isNewer, FREE, parseEnd, parseRecord } from "../relay/record.ts";
import type { Publisher as FullPublisher, Subscriber as FullSubscriber } from "./clients.ts";

type Publisher = Omit<FullPublisher, "connect">;
type Subscriber = Omit<FullSubscriber, "connect">;

/** How long it is remembered who frees a dead claim: longer than the step takes, short enough for a second death. */
const FREEING_SECONDS = 10;
/** Where a counter stands that is known to expire: above what those who come at once can count up to. */
const EXPIRING = 1_000_000;
/** How often a claim counts before a failing counter is an outage. */
const MAX_COUNTS = 3;
/** How long a record says that it is free; the claim that follows replaces it at once. */
const FREE_SECONDS = 2;

export function publishPort(publisher: Publisher): PublishPort {
  return {
    publish: async (channel, message) => {
      const receivers = await publisher.publish(channel, message);
      return typeof receivers === "number" ? receivers : undefined;
    },
    records: genericRecords(publisher),
    onReconnect: () => () => undefined,
  };
}

export function subscribePort(subscriber: Subscriber): SubscribePort {
  return {
    subscribe: async (channel, onMessage) => {
      await subscriber.subscribe(channel, (message) => {
        // A client that parses JSON gives objects: no message of ours, and told of as such.
        onMessage(typeof message === "string" ? message : "");
      });
    },
    unsubscribe: async (channel) => {
      await subscriber.unsubscribe(channel);
    },
    onReconnect: () => () => undefined,
  };
}

function genericRecords(publisher: Publisher): StatusRecords {
  const get: StatusRecords["get"] = async (key) => parseRecord(await publisher.get(key));
  const lastEnd: StatusRecords["lastEnd"] = async (key) => {
    const beside = endKey(key);
    return beside === undefined ? undefined : parseEnd(await publisher.get(beside));
  };
  return {
    get,
    lastEnd,
    claimIfFree: async (key, { epoch, ttlSeconds }) => {
      if (!(await countsToOne(publisher, key))) return false;
      await publisher.set(key, claimValue(epoch), { EX: ttlSeconds });
      return true;
    },
    replace: async (key, { epoch, ttlSeconds }) => {
      // Sent together: the server answers in order, so `get` tells what `set` replaces.
      const previous = publisher.get(key);
      const [value] = await Promise.all([
        previous,
        publisher.set(key, claimValue(epoch), { EX: ttlSeconds }),
      ]);
      return parseRecord(value);
    },
    renew: async (key, { epoch, ttlSeconds }) => {
      const record = await get(key);
      if (record.status !== "claimed" || record.epoch !== epoch) return;
      await publisher.set(key, claimValue(epoch), { EX: ttlSeconds });
    },
    finish: async (key, { epoch, ttlSeconds }, last) => {
      const record = await get(key);
      if (record.status === "claimed" && record.epoch !== epoch) return false;
      const isOutdated = record.status !== "claimed" && isNewer(await lastEnd(key), last);
      // Sent together and answered in order: who finds the record done finds its end.
      const beside = isOutdated ? undefined : endKey(key);
      await Promise.all([
        beside === undefined ? undefined : publisher.set(beside, endValue(last), { EX: ttlSeconds }),
        publisher.set(key, DONE, { EX: ttlSeconds }),
      ]);
      return true;
    },
    freeIf: async (key, raw) => {
      const record = await get(key);
      if (record.status !== "claimed" || record.raw !== raw) return false;
      // Of many that found the claim dead one frees it: a second, later one would free its successor.
      const freeing = `${key}:freeing:${raw}`;
      const count = Number(await publisher.incr(freeing));
      // Only the first call sets the time to live. If every call renewed it, a process that dies between the two steps would
      // keep all others from freeing the record.
      const isFirst = count === 1;
      await Promise.all([
        count < EXPIRING ? publisher.set(freeing, String(EXPIRING), { EX: FREEING_SECONDS }) : undefined,
        isFirst ? publisher.set(key, FREE, { EX: FREE_SECONDS }) : undefined,
      ]);
      return isFirst;
    },
  };
}

/** Whether this call took the record from nothing, or from free, to claimed. */
async function countsToOne(publisher: Publisher, key: string): Promise<boolean> {
  const isFree = async (): Promise<boolean> => parseRecord(await publisher.get(key)).status === "free";
  // Asked first: many a store in memory that was written for version 2 counts to NaN from a named claim, and keeps that.
  if (!(await isFree())) return false;
  for (let attempt = 1; ; attempt++) {
    try {
      return Number(await publisher.incr(key)) === 1;
    } catch (error) {
      // A named claim and DONE are no integers. What clients say then differs; what the record holds doesn't.
      if (!(await isFree())) return false;
      // Set free between the two: it is worth a second attempt, unless that isn't why it failed.
      if (attempt === MAX_COUNTS) throw error;
    }
  }
}
