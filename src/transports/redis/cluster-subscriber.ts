// A subscriber at one node of a cluster, and at another one as soon as that is silent. node-redis' own stays with a dead node until
// the cluster has replaced it, which takes longer than followers wait for a producer that hears nothing.

import type { Clock } from "../../lib/clock.ts";
import { nodeRedisConnection } from "./node-redis.ts";
import { ownConnection } from "./own-connection.ts";
import type { ReadyNodes } from "./ready-node.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** With it a dead node is found within 2.5 s, well before a follower gives its producer up. */
const PING_MS = 1_000;

/** Has a connection while there are channels, and none before and after: the cluster client is the caller's to close. */
export class ClusterSubscriber {
  readonly #nodes: ReadyNodes;
  readonly #clock: Clock;
  readonly #channels = new Set<string>();
  readonly #listeners = new Set<() => void>();
  /** Absent while there are no channels. */
  #connection: RedisConnection | undefined;

  constructor(nodes: ReadyNodes, clock: Clock) {
    this.#nodes = nodes;
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
    try {
      // Else it went with its connection.
      if (this.#connection) await connection?.unsubscribe(channel);
    } catch (error) {
      // The last channel has closed it meanwhile.
      if (this.#connection === connection) throw error;
    }
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
    /** Of the last one that was opened. If another is opened, it was silent. */
    let address: string | undefined;
    const connection = ownConnection(async () => {
      if (address !== undefined) this.#nodes.avoid(address);
      // Processes spread over the nodes.
      const node = await this.#nodes.find(Math.floor(Math.random() * 1_000));
      address = node.address;
      return nodeRedisConnection(node.client.duplicate());
    }, options);
    connection.onReconnect(() => {
      for (const listener of this.#listeners) listener();
    });
    return connection;
  }
}
