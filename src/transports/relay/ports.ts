// The two clients a relay needs, typed by the methods we call. Any pub/sub with a counter will do.

/** Publishes messages and keeps the status record. */
export interface Publisher {
  /** Not called by us: pass a client that connects by itself or is connected. Kept for compatibility. */
  connect: () => Promise<unknown>;
  /** May return how many received it, as Redis does; without that, silence alone tells a dead producer. */
  publish: (channel: string, message: string) => Promise<unknown>;
  /** `EX` is the time to live in seconds. */
  set: (key: string, value: string, options?: { EX?: number }) => Promise<unknown>;
  get: (key: string) => Promise<string | number | null>;
  /** Adds one, atomically, counting from 0, and returns the sum. Rejects where the value isn't an integer. */
  incr: (key: string) => Promise<number>;
}

/** Subscribes to channels. */
export interface Subscriber {
  /** Not called by us: pass a client that connects by itself or is connected. Kept for compatibility. */
  connect: () => Promise<unknown>;
  /** Resolves once messages will arrive. Subscriptions are expected to survive a reconnect of the client. */
  subscribe: (channel: string, callback: (message: string) => void) => Promise<void | number>;
  unsubscribe: (channel: string) => Promise<unknown>;
}
