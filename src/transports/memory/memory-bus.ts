// Pub/sub and records inside one process, with the manners of a server: messages arrive later, in order, and are counted.

import { type PublishPort, type StatusRecords, type SubscribePort } from "../relay/ports.ts";
import { claimValue, DONE, endKey, endValue, isNewer, parseEnd, parseRecord } from "../relay/record.ts";

interface Entry {
  value: string;
  /** Unix milliseconds. */
  expiresAt: number;
}

/** How many records each write looks at: more than the one that it may add, so that expired ones get fewer. */
const SWEPT_PER_WRITE = 2;

export class MemoryBus {
  readonly #subscribers = new Map<string, Set<(message: string) => void>>();
  readonly #entries = new Map<string, Entry>();
  /** Where the search for expired records has come to. A map's iterator sees what is added and removed behind it. */
  #sweep = this.#entries.entries();

  /** One per context, like a client's connection. */
  publishPort(): PublishPort {
    return {
      publish: (channel, message) => {
        const subscribers = [...(this.#subscribers.get(channel) ?? [])];
        for (const subscriber of subscribers) {
          queueMicrotask(() => {
            if (this.#subscribers.get(channel)?.has(subscriber)) subscriber(message);
          });
        }
        return Promise.resolve(subscribers.length);
      },
      records: this.#records(),
      onReconnect: () => () => undefined,
    };
  }

  subscribePort(): SubscribePort {
    const own = new Map<string, (message: string) => void>();
    return {
      subscribe: (channel, onMessage) => {
        own.set(channel, onMessage);
        const subscribers = this.#subscribers.get(channel) ?? new Set();
        this.#subscribers.set(channel, subscribers.add(onMessage));
        return Promise.resolve();
      },
      unsubscribe: (channel) => {
        const onMessage = own.get(channel);
        own.delete(channel);
        const subscribers = this.#subscribers.get(channel);
        if (onMessage) subscribers?.delete(onMessage);
        if (subscribers?.size === 0) this.#subscribers.delete(channel);
        return Promise.resolve();
      },
      onReconnect: () => () => undefined,
    };
  }

  /** Channels somebody is subscribed to. */
  get channels(): string[] {
    return [...this.#subscribers.keys()];
  }

  #records(): StatusRecords {
    const get = (key: string): ReturnType<typeof parseRecord> => parseRecord(this.#read(key));
    return {
      get: (key) => Promise.resolve(get(key)),
      lastEnd: (key) => Promise.resolve(parseEnd(this.#read(endKey(key) ?? ""))),
      claimIfFree: (key, { epoch, ttlSeconds }) => {
        if (get(key).status !== "free") return Promise.resolve(false);
        this.#write(key, claimValue(epoch), ttlSeconds);
        return Promise.resolve(true);
      },
      replace: (key, { epoch, ttlSeconds }) => {
        const previous = get(key);
        this.#write(key, claimValue(epoch), ttlSeconds);
        return Promise.resolve(previous);
      },
      renew: (key, { epoch, ttlSeconds }) => {
        const record = get(key);
        const isOurs = record.status === "claimed" && record.epoch === epoch;
        if (isOurs) this.#write(key, claimValue(epoch), ttlSeconds);
        return Promise.resolve();
      },
      finish: (key, { epoch, ttlSeconds }, last) => {
        const record = get(key);
        if (record.status === "claimed" && record.epoch !== epoch) return Promise.resolve(false);
        const beside = endKey(key);
        const isLate = record.status !== "claimed" && isNewer(parseEnd(this.#read(beside ?? "")), last);
        if (beside !== undefined && !isLate) this.#write(beside, endValue(last), ttlSeconds);
        this.#write(key, DONE, ttlSeconds);
        return Promise.resolve(true);
      },
      freeIf: (key, raw) => Promise.resolve(this.#read(key) === raw && this.#entries.delete(key)),
    };
  }

  #read(key: string): string | null {
    const entry = this.#entries.get(key);
    return entry && entry.expiresAt > Date.now() ? entry.value : null;
  }

  #write(key: string, value: string, ttlSeconds: number): void {
    const now = Date.now();
    this.#entries.set(key, { value, expiresAt: now + ttlSeconds * 1000 });
    for (let count = 0; count < SWEPT_PER_WRITE; count++) {
      const next = this.#sweep.next();
      if (next.done) this.#sweep = this.#entries.entries();
      else if (next.value[1].expiresAt <= now) this.#entries.delete(next.value[0]);
    }
  }
}
