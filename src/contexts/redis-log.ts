// A context over the log transport whose store is Redis: options in, clients told apart, a context out.

import { positive, flag, checkOptions, type CheckedOptions } from "../api/options.ts";
import { createContext } from "../api/context.ts";
import type { DurableStreamContext } from "../api/types.ts";
import { systemClock } from "../lib/clock.ts";
import { shared } from "../lib/shared.ts";
import type { Transport } from "../port/transport.ts";
import { Outages } from "../transports/log/outages.ts";
import type { LogParts } from "../transports/log/parts.ts";
import { logTransport } from "../transports/log/transport.ts";
import type { LogConnection } from "../transports/redis-log/connection.ts";
import { RedisStore } from "../transports/redis-log/store.ts";
import { connect, type ConnectOptions } from "./pubsub-clients.ts";
import type { CreateResumableStreamContextOptions, KeepTextOptions } from "./redis-options.ts";

/** @param connection - called once the options are checked. */
export function createRedisLogContext(
  options: CreateResumableStreamContextOptions & KeepTextOptions,
  connection: () => LogConnection,
): DurableStreamContext {
  const checked = checkOptions(options);
  const replays = flag("replay", options.replay);
  const settings = checkLogOptions(options);
  const transport = createRedisLogTransport({ checked, settings, connection: connection() });
  return createContext({ transport, options: checked, clock: systemClock, replays });
}

export interface RedisLogSettings {
  leaseMs: number;
  flushIntervalMs: number;
}

export function checkLogOptions(options: Partial<KeepTextOptions>): RedisLogSettings {
  return {
    leaseMs: positive("leaseMs", options.leaseMs, 10_000),
    flushIntervalMs: positive("flushIntervalMs", options.flushIntervalMs, 200),
  };
}

export interface RedisLogOptions {
  checked: CheckedOptions;
  settings: RedisLogSettings;
  connection: LogConnection;
}

export function createRedisLogTransport(options: RedisLogOptions): Transport {
  return logTransport(createRedisLog(options));
}

/** A log over this server, as its parts see it. */
export function createRedisLog({ checked, settings, connection }: RedisLogOptions): LogParts {
  const { claimTimeoutMs, handOver, keyPrefix, onError, retentionSeconds } = checked;
  const { leaseMs, flushIntervalMs } = settings;
  const store = new RedisStore({
    connection,
    keyPrefix,
    retentionSeconds,
    leaseMs,
    requestTimeoutMs: claimTimeoutMs,
    clock: systemClock,
    name: crypto.randomUUID(),
    onError,
  });
  return {
    store,
    // Redis waits for no disk: a write for each chunk that is followed costs next to nothing.
    settings: { leaseMs, flushIntervalMs, followedFlushIntervalMs: 0, requestTimeoutMs: claimTimeoutMs },
    clock: systemClock,
    handOver,
    onError,
  };
}

const outagesOf = shared("redis-log-outages.1", () => new WeakMap<object, Outages>());

/** The caller's clients, or those made from the environment, for a log. */
export function connectLog(options: ConnectOptions): LogConnection {
  const { close, commands, onError, onSubscriberReconnect, publishPort, subscriptions } = connect(options);
  if (!commands) {
    close();
    throw new TypeError(
      "keepText needs a client that sends any command, for its scripts: one made by createClient or createCluster of redis, or one of ioredis. For Sentinel pass ioredis with `sentinels`: createSentinel of redis serves without keepText only.",
    );
  }
  const outages = outagesOf.get(commands) ?? new Outages(systemClock);
  outagesOf.set(commands, outages);
  return {
    send: (words, key) => commands.command(words, key),
    isOrdered: !commands.isCluster,
    subscriptions,
    outages,
    onReconnect: (listener) => {
      const stops = [publishPort.onReconnect(listener), onSubscriberReconnect(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    onError,
    isClosed: () => commands.isClosed?.() === true,
    close,
  };
}
