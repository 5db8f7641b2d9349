// The suites over a real Redis, for runtimes that the client libraries run on.

import { Redis } from "ioredis";
import { createClient } from "redis";
import { createResumableStreamContext as createGeneric } from "resumable-stream/generic";
import { createResumableStreamContext as createIoredis } from "resumable-stream/ioredis";
import { createResumableStreamContext as createRedis } from "resumable-stream/redis";
import { describeContexts, type ContractFactory, type Runner } from "resumable-stream/testing";

type Create = Awaited<ReturnType<ContractFactory>>["createContext"];

export function describeRedis(runner: Runner, url: string): void {
  describeContexts(
    "redis",
    backend((own, options) => {
      const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
      for (const client of [publisher, subscriber]) own(() => void (client.isOpen && client.destroy()));
      return createRedis({ ...options, publisher, subscriber });
    }),
    runner,
  );
}

export function describeIoredis(runner: Runner, url: string): void {
  describeContexts(
    "ioredis",
    backend((own, options) => {
      const [publisher, subscriber] = [new Redis(url), new Redis(url)];
      for (const client of [publisher, subscriber]) own(() => client.disconnect());
      return createIoredis({ ...options, publisher, subscriber });
    }),
    runner,
  );
}

/** The documented methods alone, over node-redis. */
export function describeGenericOverRedis(runner: Runner, url: string): void {
  describeContexts(
    "generic over Redis",
    backend(async (own, options) => {
      const [commands, channels] = [createClient({ url }), createClient({ url })];
      for (const client of [commands, channels]) own(() => void (client.isOpen && client.destroy()));
      await Promise.all([commands.connect(), channels.connect()]);
      return createGeneric({
        ...options,
        publisher: {
          publish: (channel, message) => commands.publish(channel, message),
          set: (key, value, { EX } = {}) =>
            commands.set(key, value, EX === undefined ? {} : { expiration: { type: "EX", value: EX } }),
          get: (key) => commands.get(key),
          incr: (key) => commands.incr(key),
        },
        subscriber: {
          subscribe: (channel, callback) => channels.subscribe(channel, callback),
          unsubscribe: (channel) => channels.unsubscribe(channel),
        },
      });
    }),
    runner,
  );
}

function backend(
  create: (own: (close: () => void) => void, options: Parameters<Create>[0]) => Promise<Context> | Context,
): ContractFactory {
  return async () => {
    const keyPrefix = `runtimes-${crypto.randomUUID()}`;
    const closers: (() => void)[] = [];
    return {
      createContext: async (options) => create((close) => closers.push(close), { keyPrefix, ...options }),
      async dispose() {
        for (const close of closers) close();
      },
    };
  };
}

type Context = Awaited<ReturnType<Create>>;
