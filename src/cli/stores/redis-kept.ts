// Streams whose text Redis keeps: their records.

import { createContext } from "../../api/context.ts";
import type { CheckedOptions } from "../../api/options.ts";
import type { DurableStreamContext } from "../../api/types.ts";
import { checkLogOptions, connectLog, createRedisLog } from "../../contexts/redis-log.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Transport } from "../../port/transport.ts";
import type { LogStore, StreamRecord } from "../../transports/log/store.ts";
import { logTransport } from "../../transports/log/transport.ts";
import { keyOf, keysOf, streamIdOf } from "../../transports/redis-log/names.ts";
import { bounded } from "../deadline.ts";
import { toExpiry } from "../redis-client.ts";
import type { RedisClient } from "../redis-single.ts";
import type { StreamFacts } from "./store.ts";

export interface KeptOptions {
  publisher: RedisClient;
  subscriber: RedisClient;
  checked: CheckedOptions;
}

export class KeptStreams {
  readonly context: DurableStreamContext;
  readonly transport: Transport;
  readonly store: LogStore;
  readonly #publisher: RedisClient;
  readonly #keyPrefix: string;

  constructor({ publisher, subscriber, checked }: KeptOptions) {
    const connection = connectLog({ publisher: publisher.client, subscriber: subscriber.client });
    const log = createRedisLog({ checked, settings: checkLogOptions({}), connection });
    this.#publisher = publisher;
    this.#keyPrefix = checked.keyPrefix;
    this.store = log.store;
    this.transport = logTransport(log);
    this.context = createContext({ transport: this.transport, options: checked, clock: systemClock });
  }

  /** Of a record's key; undefined for any other. */
  idOf(key: string): string | undefined {
    return streamIdOf(this.#keyPrefix, key);
  }

  /** Not for a user without the right to such keys, whose streams are of the other kind. */
  async isThere(streamId: string): Promise<boolean> {
    try {
      return Number(await this.#command("EXISTS", this.#key(streamId))) === 1;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("NOPERM")) return false;
      throw error;
    }
  }

  async runs(streamId: string): Promise<boolean> {
    return (await this.store.look(this.#key(streamId)))?.status === "running";
  }

  /** Without those that have gone meanwhile. */
  async *facts(ids: readonly string[]): AsyncGenerator<StreamFacts> {
    const looks = ids.map(async (streamId) => {
      const key = this.#key(streamId);
      const [record, life] = await Promise.all([this.store.look(key), this.#command("TTL", key)]);
      return record && toFacts(streamId, record, toExpiry(life));
    });
    for (const found of await Promise.all(looks)) if (found) yield found;
  }

  async show(streamId: string): Promise<StreamFacts | undefined> {
    const key = this.#key(streamId);
    const keys = keysOf(key);
    const [record, life, entries, stop, sizes] = await Promise.all([
      this.store.look(key),
      this.#command("TTL", key),
      this.#command("XLEN", keys.text),
      this.#command("HGET", key, "x"),
      Promise.all(Object.values(keys).map((each: string) => this.#bytesOf(each))),
    ]);
    if (!record) return undefined;
    const { epoch, leaseMs, watchedMs } = record;
    return {
      ...toFacts(streamId, record, toExpiry(life)),
      epoch,
      entries: Number(entries),
      memoryBytes: sizes.includes(null) ? null : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0),
      // Epochs start from the server's clock, in microseconds.
      createdAt: new Date(epoch / 1_000).toISOString(),
      leaseMs: leaseMs === undefined ? null : Math.round(leaseMs),
      isFollowed: watchedMs > 0,
      isStopRequested: stop !== null,
      handOver: record.handover ?? null,
    };
  }

  async remove(streamId: string): Promise<void> {
    const { record, tail, text } = keysOf(this.#key(streamId));
    await this.#publisher.ask("DEL", record, tail, text);
  }

  #key(streamId: string): string {
    return keyOf(this.#keyPrefix, streamId);
  }

  /** Of the server's memory: 0 for a key that isn't there, null if the server doesn't tell. */
  async #bytesOf(key: string): Promise<number | null> {
    const asking = this.#publisher.connection.command(["MEMORY", "USAGE", key], key);
    const bytes = await bounded("run MEMORY USAGE", asking).catch(() => undefined);
    return bytes === undefined ? null : Number(bytes ?? 0);
  }

  #command(name: string, key: string, ...more: string[]): Promise<unknown> {
    return bounded(`run ${name}`, this.#publisher.connection.command([name, key, ...more], key));
  }
}

function toFacts(
  streamId: string,
  { status, tail }: StreamRecord,
  expiresInSeconds: number | null,
): StreamFacts {
  // A lapsed lease is a dead producer's.
  return { streamId, status: status === "lapsed" ? "lost" : status, isKept: true, tail, expiresInSeconds };
}
