// What the relay needs of a pub/sub server: messages, and one record per stream that changes atomically.

import type { RecordedEnd } from "../../port/transport.ts";
import type { StatusRecord } from "./record.ts";

/** Publishes, and keeps the records. Every promise may reject or hang; the relay sets the deadlines. */
export interface PublishPort {
  /** Whether it answers in the order of what it is sent, as one connection to one Redis does. @defaultValue false */
  readonly isOrdered?: boolean;
  /** How many received it, if the server tells. */
  publish(channel: string, message: string): Promise<number | undefined>;
  readonly records: StatusRecords;
  /** Hears of each time the connection is back after a loss. */
  onReconnect(listener: () => void): () => void;
  /** Whether its owner has closed it, and not opened it anew. Absent if that can't be told. */
  isClosed?(): boolean;
}

/** Subscribes. Subscriptions survive a reconnect; messages sent meanwhile are lost. */
export interface SubscribePort {
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  onReconnect(listener: () => void): () => void;
}

/** One record per stream. Each write carries its time to live, so that no record outlives its use. */
export interface StatusRecords {
  get(key: string): Promise<StatusRecord>;
  /** The end that `finish` wrote last, beside the record; undefined if nothing is left of it. */
  lastEnd(key: string): Promise<RecordedEnd | undefined>;
  /** Claims a free record; false if it wasn't. */
  claimIfFree(key: string, claim: Ownership): Promise<boolean>;
  /** Claims a record whatever it says, and returns what it said. */
  replace(key: string, claim: Ownership): Promise<StatusRecord>;
  /** Has a claim that still holds live on. */
  renew(key: string, claim: Ownership): Promise<void>;
  /**
   * Marks a record done, unless another claim holds it; false then. Keeps beside it how the text ended, unless that tells of a
   * newer claim's: this one was superseded, and its write came late.
   */
  finish(key: string, ownership: Ownership, last: RecordedEnd): Promise<boolean>;
  /** Frees a record that still says `raw`; false if it says something else by now. */
  freeIf(key: string, raw: string): Promise<boolean>;
}

export interface Ownership {
  epoch: number;
  ttlSeconds: number;
}
