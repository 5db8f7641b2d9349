// The two clients a relay needs, typed by the methods we call. Any pub/sub with a counter will do.

/**
 * Publishes messages and keeps the status record. Messages are well-formed strings of at most 256 KiB of UTF-8. Promises may
 * reject or hang; each call has a deadline.
 */
export interface Publisher {
  /** Not called by us: pass a client that connects by itself or is connected. Kept for compatibility. */
  connect: () => Promise<unknown>;
  /** May return how many received it, as Redis does; without that, silence alone tells a dead producer. */
  publish: (channel: string, message: string) => Promise<unknown>;
  /** Writes a value. `EX` is the time to live in seconds, and always given. */
  set: (key: string, value: string, options?: { EX?: number }) => Promise<unknown>;
  /** Gives what was written, or `null`. Sees what `set` and `incr` of any process wrote before. */
  get: (key: string) => Promise<string | number | null>;
  /** Adds one, atomically, counting from 0, and returns the sum. Rejects if the value isn't an integer. */
  incr: (key: string) => Promise<number>;
}

/** Subscribes to channels. */
export interface Subscriber {
  /** Not called by us: pass a client that connects by itself or is connected. Kept for compatibility. */
  connect: () => Promise<unknown>;
  /** Resolves once messages will arrive. Subscriptions are expected to survive a reconnect of the client. */
  subscribe: (channel: string, callback: (message: string) => void) => Promise<void | number>;
  /** Ends what `subscribe` began for this channel. */
  unsubscribe: (channel: string) => Promise<unknown>;
}
