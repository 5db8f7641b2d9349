// A pub/sub inside the program, as a user would write one: plain objects, and messages that arrive a turn later.

import type { Publisher, Subscriber } from "resumable-stream/generic";

/** Each call of what it returns gives the clients of one process. */
export function createPubSub(): () => { publisher: Publisher; subscriber: Subscriber } {
  const values = new Map<string, string>();
  const listeners = new Map<string, Set<(message: string) => void>>();
  const publisher: Publisher = {
    connect: async () => undefined,
    publish: async (channel, message) => {
      const told = [...(listeners.get(channel) ?? [])];
      for (const listener of told) queueMicrotask(() => listener(message));
      return told.length;
    },
    set: async (key, value) => values.set(key, value),
    get: async (key) => values.get(key) ?? null,
    incr: async (key) => {
      const sum = Number(values.get(key) ?? 0) + 1;
      if (Number.isNaN(sum)) throw new Error("The value isn't an integer.");
      values.set(key, String(sum));
      return sum;
    },
  };
  return () => {
    const own = new Map<string, (message: string) => void>();
    const subscriber: Subscriber = {
      connect: async () => undefined,
      subscribe: async (channel, callback) => {
        const all = listeners.get(channel) ?? new Set();
        listeners.set(channel, all.add(callback));
        own.set(channel, callback);
      },
      unsubscribe: async (channel) => {
        const callback = own.get(channel);
        if (callback) listeners.get(channel)?.delete(callback);
        own.delete(channel);
      },
    };
    return { publisher, subscriber };
  };
}
