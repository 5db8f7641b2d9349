// What the suite for a pub/sub is run over.

import type { Publisher, Subscriber } from "../../transports/generic/clients.ts";

/** A process' two clients, as `resumable-stream/generic` takes them. `connect` is never called. */
export interface PubSubPair {
  /** Publishes, and keeps records. */
  publisher: Omit<Publisher, "connect">;
  /** Listens. */
  subscriber: Omit<Subscriber, "connect">;
}

/** A pub/sub server, or what stands for one, for one test. */
export interface PubSubBackend {
  /** Each call is one process: clients of its own, connected or not yet, to the same server. */
  createPair: () => PubSubPair | Promise<PubSubPair>;
  /** Called last: closes what was made. */
  dispose: () => void | Promise<void>;
}

/** Called once a test. Keys and channels have names of their own in each test, so that tests may share a server. */
export type PubSubFactory = () => PubSubBackend | Promise<PubSubBackend>;

/** Objects with the documented methods and no more, so that a client is tried by them and not recognised as what it is. */
export function plainPair({ publisher, subscriber }: PubSubPair): PubSubPair {
  return {
    publisher: {
      publish: (channel, message) => publisher.publish(channel, message),
      set: (key, value, options) => publisher.set(key, value, options),
      get: (key) => publisher.get(key),
      incr: (key) => publisher.incr(key),
    },
    subscriber: {
      subscribe: (channel, callback) => subscriber.subscribe(channel, callback),
      unsubscribe: (channel) => subscriber.unsubscribe(channel),
    },
  };
}
