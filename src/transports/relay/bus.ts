// What the relay needs of a pub/sub server: messages, and one record a stream that changes atomically.

/** Publishes, and keeps the records. Every promise may reject or hang; the relay sets the deadlines. */
export interface PublishPort {
  /** How many received it, where the server tells. */
  publish(channel: string, message: string): Promise<number | undefined>;
  readonly records: StatusRecords;
  /** Hears of each time the connection is back after a loss. */
  onReconnect(listener: () => void): () => void;
}

/** Subscribes. Subscriptions survive a reconnect; messages sent meanwhile are lost. */
export interface SubscribePort {
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  onReconnect(listener: () => void): () => void;
}

/** What a stream's record says. `raw` is what the server holds, for comparing. */
export type StatusRecord =
  | { status: "free" }
  | { status: "claimed"; epoch: number; raw: string }
  | { status: "done" };

/** One record a stream. Each write carries its time to live, so that no record outlives its use. */
export interface StatusRecords {
  get(key: string): Promise<StatusRecord>;
  /** Claims a free record; false where it wasn't. */
  claimIfFree(key: string, claim: RecordClaim): Promise<boolean>;
  /** Claims a record whatever it says, and returns what it said. */
  replace(key: string, claim: RecordClaim): Promise<StatusRecord>;
  /** Has a claim that still holds live on. */
  renew(key: string, claim: RecordClaim): Promise<void>;
  /** Marks a record done, unless another claim holds it; false then. */
  finish(key: string, claim: RecordClaim): Promise<boolean>;
  /** Frees a record that still says `raw`; false where it says something else by now. */
  freeIf(key: string, raw: string): Promise<boolean>;
}

export interface RecordClaim {
  epoch: number;
  ttlSeconds: number;
}

export const DONE = "DONE";
export const FREE = "0";

/** A claim as a record holds it: no integer, so that `INCR` can't change it. */
export function claimValue(epoch: number): string {
  return `e${epoch}`;
}

/** What a server's value means. A bare number is a claim by `INCR` whose producer hasn't named its epoch yet. */
export function parseRecord(value: unknown): StatusRecord {
  // Some clients answer a number where the value is one.
  const raw = typeof value === "number" ? String(value) : value;
  if (typeof raw !== "string") return { status: "free" };
  if (raw === FREE) return { status: "free" };
  if (raw === DONE) return { status: "done" };
  const epoch = /^e(\d{1,16})$/.exec(raw)?.[1];
  return { status: "claimed", epoch: epoch === undefined ? 0 : Number(epoch), raw };
}
