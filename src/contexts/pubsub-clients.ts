// Decides once, at the boundary, what the caller's clients are, and shares each between all contexts that use it.

import { shared } from "../lib/shared.ts";
import {
  publishPort as genericPublishPort,
  subscribePort as genericSubscribePort,
} from "../transports/generic/relay-ports.ts";
import type { PublishPort, SubscribePort } from "../transports/relay/ports.ts";
import type { Publisher, Subscriber } from "../transports/generic/clients.ts";
import type { RelayConnection } from "../transports/relay/relay-options.ts";
import { Subscriptions } from "../transports/relay/subscriptions.ts";
import {
  acquireMade,
  connectionOf,
  type MadeConnection,
  releaseMade,
} from "../transports/redis/connections.ts";
import { type ClientLibrary, missingUrl, redisUrl } from "../transports/redis/default-client.ts";
import { isIoredisClient, isIoredisCluster } from "../transports/redis/ioredis.ts";
import { isNodeRedisClient, speaksRespTwo } from "../transports/redis/node-redis.ts";
import { fanOut, type RedisConnection, SAME_CLIENT } from "../transports/redis/redis-connection.ts";
import { redisPublishPort, redisSubscribePort } from "../transports/redis/relay-ports.ts";

export interface ConnectOptions {
  publisher: unknown;
  subscriber: unknown;
  /** Makes the client that wasn't given; without it both are required. */
  library?: ClientLibrary;
}

/** Both connections, and for a log a way to send any command. */
export interface Connected extends RelayConnection {
  /** Undefined for clients that serve by their documented methods. */
  commands: RedisConnection | undefined;
}

/** A port, and what goes with the client behind it. */
interface Half<Port> {
  port: Port;
  /** Undefined for any other client than those of the two libraries. */
  connection: RedisConnection | undefined;
  onError: (listener: (error: unknown) => void) => () => void;
}

type PublishHalf = Half<PublishPort>;
type SubscribeHalf = Half<SubscribePort & { subscriptions: Subscriptions }>;

const publishHalves = shared("publish-halves.1", () => new WeakMap<object, PublishHalf>());
const subscribeHalves = shared("subscribe-halves.1", () => new WeakMap<object, SubscribeHalf>());

export function connect({ publisher, subscriber, library }: ConnectOptions): Connected {
  if (isObject(publisher) && publisher === subscriber) {
    const isEither = isNodeRedisClient(publisher) && speaksRespTwo(publisher);
    if ((isIoredisClient(publisher) && !isIoredisCluster(publisher)) || isEither)
      throw new TypeError(SAME_CLIENT);
  }
  const made: MadeConnection[] = [];
  const clientFor = (role: "publisher" | "subscriber", given: unknown): object => {
    if (isObject(given)) return given;
    if (given !== undefined && given !== null)
      throw new TypeError(`${role} must be a Redis client, got ${typeof given}.`);
    if (!library)
      throw new TypeError(
        `${role} is required here: pass an object with the methods of the documented type.`,
      );
    // When the context is made, as version 2 did: apps take that for "no Redis here".
    if (redisUrl() === undefined) throw missingUrl();
    const connection = acquireMade(role, library);
    made.push(connection);
    return connection.connection;
  };
  const publish = cached(publishHalves, clientFor("publisher", publisher), publishHalf);
  const subscribe = cached(subscribeHalves, clientFor("subscriber", subscriber), subscribeHalf);
  return {
    commands: publish.connection,
    publishPort: publish.port,
    subscriptions: subscribe.port.subscriptions,
    onSubscriberReconnect: (listener) => subscribe.port.onReconnect(listener),
    onError: (listener) => {
      const stops = [publish.onError(listener), subscribe.onError(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    // A client that we were given is the caller's to close.
    close: () => {
      for (const connection of made.splice(0)) releaseMade(connection);
    },
  };
}

function publishHalf(client: object): PublishHalf {
  const connection = connectionOf(client);
  if (connection) {
    connection.onError(ignore);
    const port = redisPublishPort(connection);
    return {
      connection,
      port: { ...port, onReconnect: fanOut((listener) => port.onReconnect(() => listener(undefined))) },
      onError: fanOut((listener) => connection.onError(listener)),
    };
  }
  if (!hasMethods<Publisher>(client, ["publish", "set", "get", "incr"])) {
    throw new TypeError(
      "publisher must have the methods publish, set, get and incr (see the Publisher type).",
    );
  }
  return { connection, port: genericPublishPort(client), onError: () => () => undefined };
}

function subscribeHalf(client: object): SubscribeHalf {
  const connection = connectionOf(client);
  if (connection) {
    connection.onError(ignore);
    const port = redisSubscribePort(connection);
    const onReconnect = fanOut((listener) => port.onReconnect(() => listener(undefined)));
    return {
      connection,
      port: { ...port, onReconnect, subscriptions: new Subscriptions(port) },
      onError: fanOut((listener) => connection.onError(listener)),
    };
  }
  if (!hasMethods<Subscriber>(client, ["subscribe", "unsubscribe"])) {
    throw new TypeError(
      "subscriber must have the methods subscribe and unsubscribe (see the Subscriber type).",
    );
  }
  const port = genericSubscribePort(client);
  return {
    connection,
    port: { ...port, subscriptions: new Subscriptions(port) },
    onError: () => () => undefined,
  };
}

/** Without a listener an error event would end the process, also after the last context has gone. */
function ignore(): void {}

function cached<Value>(cache: WeakMap<object, Value>, key: object, make: (key: object) => Value): Value {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = make(key);
  cache.set(key, value);
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function hasMethods<T extends object>(client: object, names: readonly (keyof T & string)[]): client is T {
  return names.every((name) => typeof Reflect.get(client, name) === "function");
}
