// A subscriber at one node of a cluster, and at another one as soon as that is silent. node-redis' own stays with a dead node until
// the cluster has replaced it, which takes longer than followers wait for a producer that hears nothing.

import type { Clock } from "../../lib/clock.ts";
import { nodeRedisConnection } from "./node-redis.ts";
import { ownConnection } from "./own-connection.ts";
import { type NodesOfCluster, ReadyNode } from "./ready-node.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** With it a dead node is found within 2.5 s, well before a follower gives its producer up. */
const PING_MS = 1_000;

/** Has a connection while there are channels, and none before and after: the cluster client is the caller's to close. */
export class ClusterSubscriber {
  readonly #node: ReadyNode;
  readonly #clock: Clock;
  readonly #channels = new Set<string>();
  readonly #listeners = new Set<() => void>();
  /** Absent while there are no channels. */
  #connection: RedisConnection | undefined;

  constructor(cluster: NodesOfCluster, clock: Clock) {
    this.#node = new ReadyNode(cluster, clock);
    this.#clock = clock;
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<void> {
    this.#channels.add(channel);
    this.#connection ??= this.#open();
    const connection = this.#connection;
    try {
      await connection.subscribe(channel, onMessage);
    } catch (error) {
      if (this.#connection === connection) this.#forget(channel);
      throw error;
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    const connection = this.#connection;
    this.#forget(channel);
    // Else it went with its connection.
    if (this.#connection) await connection?.unsubscribe(channel);
  }

  /** Hears of each time that it may have missed messages. */
  onReconnect(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  close(): void {
    this.#channels.clear();
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  #forget(channel: string): void {
    this.#channels.delete(channel);
    if (this.#channels.size === 0) this.close();
  }

  #open(): RedisConnection {
    const options = { isCluster: true, pingMs: PING_MS, clock: this.#clock };
    const connection = ownConnection(async () => {
      const client = await this.#node.get();
      // If it is opened again, this one was silent.
      this.#node.avoid();
      return nodeRedisConnection(client.duplicate());
    }, options);
    connection.onReconnect(() => {
      for (const listener of this.#listeners) listener();
    });
    return connection;
  }
}
