// A simulated pub/sub server with Redis's manners: counted deliveries, and records that change atomically.

import { type Ownership } from "../../src/transports/relay/ports.ts";
import {
  claimValue,
  DONE,
  endKey,
  endValue,
  isNewer,
  parseEnd,
  parseRecord,
  type StatusRecord,
} from "../../src/transports/relay/record.ts";

import type { RecordedEnd } from "../../src/port/transport.ts";

/** One subscriber's connection, as the server sees it. */
export interface Ear {
  hear(channel: string, message: string): void;
}

export class Server {
  readonly #channels = new Map<string, Set<Ear>>();
  readonly #values = new Map<string, { value: string; expiresAt: number }>();
  readonly #now: () => number;
  readonly #onOverwritten: (key: string) => void;
  /** Every claim a record ever named, in the order in which it did. */
  readonly claims: Array<{ key: string; epoch: number }> = [];

  /** @param onOverwritten - a claim was written over what another one has. */
  constructor(now: () => number, onOverwritten: (key: string) => void = () => {}) {
    this.#now = now;
    this.#onOverwritten = onOverwritten;
  }

  /** Channels somebody is subscribed to. */
  get channels(): string[] {
    return [...this.#channels.keys()];
  }

  publish(channel: string, message: string): number {
    const ears = this.#channels.get(channel);
    if (!ears) return 0;
    for (const ear of ears) ear.hear(channel, message);
    return ears.size;
  }

  subscribe(channel: string, ear: Ear): void {
    const ears = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, ears.add(ear));
  }

  unsubscribe(channel: string, ear: Ear): void {
    const ears = this.#channels.get(channel);
    ears?.delete(ear);
    if (ears?.size === 0) this.#channels.delete(channel);
  }

  forget(ear: Ear): void {
    for (const channel of this.#channels.keys()) this.unsubscribe(channel, ear);
  }

  /** A restart without persistence. */
  wipe(): void {
    this.#values.clear();
  }

  // Records, as the scripts of the Redis ports change them.

  record(key: string): StatusRecord {
    return parseRecord(this.get(key));
  }

  claimIfFree(key: string, { epoch, ttlSeconds }: Ownership): boolean {
    if (this.record(key).status !== "free") return false;
    this.set(key, claimValue(epoch), ttlSeconds);
    return true;
  }

  replace(key: string, { epoch, ttlSeconds }: Ownership): StatusRecord {
    const previous = this.record(key);
    this.set(key, claimValue(epoch), ttlSeconds);
    return previous;
  }

  renew(key: string, { epoch, ttlSeconds }: Ownership): void {
    const record = this.record(key);
    if (record.status === "claimed" && record.epoch === epoch) this.set(key, record.raw, ttlSeconds);
  }

  lastEnd(key: string): RecordedEnd | undefined {
    return parseEnd(this.get(endKey(key) ?? ""));
  }

  finish(key: string, { epoch, ttlSeconds }: Ownership, last: RecordedEnd): boolean {
    const record = this.record(key);
    if (record.status === "claimed" && record.epoch !== epoch) return false;
    if (record.status === "claimed" || !isNewer(this.lastEnd(key), last))
      this.set(endKey(key) ?? "", endValue(last), ttlSeconds);
    this.set(key, DONE, ttlSeconds);
    return true;
  }

  freeIf(key: string, raw: string): boolean {
    return this.get(key) === raw && this.#values.delete(key);
  }

  // Plain values, as a client without scripts changes them.

  get(key: string): string | null {
    const entry = this.#values.get(key);
    return entry && entry.expiresAt > this.#now() ? entry.value : null;
  }

  set(key: string, value: string, ttlSeconds = Number.POSITIVE_INFINITY): void {
    const before = this.record(key);
    this.#values.set(key, { value, expiresAt: this.#now() + ttlSeconds * 1_000 });
    const record = parseRecord(value);
    if (record.status !== "claimed" || record.epoch === 0) return;
    this.claims.push({ key, epoch: record.epoch });
    const isAnothers = before.status === "claimed" && before.epoch > 0 && before.epoch !== record.epoch;
    if (before.status === "done" || isAnothers) this.#onOverwritten(key);
  }

  incr(key: string): number {
    const sum = Number(this.get(key) ?? 0) + 1;
    if (!Number.isSafeInteger(sum)) throw new Error("ERR value is not an integer or out of range");
    const expiresAt = this.get(key) === null ? undefined : this.#values.get(key)?.expiresAt;
    this.#values.set(key, { value: String(sum), expiresAt: expiresAt ?? Number.POSITIVE_INFINITY });
    return sum;
  }
}
