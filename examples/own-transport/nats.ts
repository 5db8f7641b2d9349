import { connect, type NodeConnectionOptions } from "@nats-io/transport-node";
import type { PubSubPair } from "resumable-stream/testing";
import { openChannels } from "./channels.ts";
import { openKeys } from "./keys.ts";

/** What the library needs, over one connection of this process. */
export interface NatsPair extends PubSubPair {
  /** To be called after the `close()` of the context. */
  close: () => Promise<void>;
}

/** Those of the client, without the ones that would break the rules of a transport. */
export interface NatsOptions extends Omit<
  NodeConnectionOptions,
  "servers" | "port" | "noEcho" | "reconnect" | "maxReconnectAttempts"
> {
  /** Such as `nats://127.0.0.1:4222`. */
  url: string;
}

export async function connectNats({ url, ...options }: NatsOptions): Promise<NatsPair> {
  const connection = await connect({
    // The client's own two seconds are as long as the library waits for an answer.
    reconnectTimeWait: 250,
    // A connection that went silent is noticed by its pings only, by default after minutes.
    pingInterval: 2_000,
    ...options,
    servers: url,
    maxReconnectAttempts: -1,
  });
  try {
    const { publish, subscribe, unsubscribe } = openChannels(connection);
    const { get, set, incr } = await openKeys(connection);
    return {
      publisher: { publish, get, set, incr },
      subscriber: { subscribe, unsubscribe },
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
