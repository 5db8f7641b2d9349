// A subscriber at one node of a cluster, and at another one as soon as that is silent. node-redis' own stays with a dead node until
// the cluster has replaced it, which takes longer than followers wait for a producer that hears nothing.

import { type Clock, withDeadline } from "../../lib/clock.ts";
import type { NodeRedisClient } from "./node-redis.ts";
import { nodeRedisConnection } from "./node-redis.ts";
import { ownConnection } from "./own-connection.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** A client of one node. */
export interface NodeClient extends NodeRedisClient {
  readonly isReady: boolean;
  duplicate(): NodeRedisClient;
}

interface ClusterNodes {
  readonly masters: readonly unknown[];
  nodeClient(node: unknown): NodeClient | Promise<NodeClient>;
}

/** With it a dead node is found within 2.5 s, well before a follower gives its producer up. */
const PING_MS = 1_000;
/** How long a node may take that the cluster client has no connection to yet. */
const CONNECT_MS = 500;

/** Has a connection while there are channels, and none before and after: the cluster client is the caller's to close. */
export class ClusterSubscriber {
  readonly #cluster: ClusterNodes;
  readonly #clock: Clock;
  readonly #channels = new Set<string>();
  readonly #listeners = new Set<() => void>();
  /** Absent while there are no channels. */
  #connection: RedisConnection | undefined;

  constructor(cluster: ClusterNodes, clock: Clock) {
    this.#cluster = cluster;
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
    const connection = ownConnection(async () => nodeRedisConnection(await this.#pick()), options);
    connection.onReconnect(() => {
      for (const listener of this.#listeners) listener();
    });
    return connection;
  }

  /** A client of its own to a node that answers, as far as the cluster client knows. */
  async #pick(): Promise<NodeRedisClient> {
    const { masters } = this.#cluster;
    const start = Math.floor(Math.random() * masters.length);
    let other: NodeClient | undefined;
    for (let index = 0; index < masters.length; index++) {
      const client = await this.#clientOf(masters[(start + index) % masters.length]);
      if (client?.isReady) return client.duplicate();
      other ??= client;
    }
    if (!other) throw new Error("No node of the cluster can be reached.");
    return other.duplicate();
  }

  /** Undefined if there is none in time. */
  async #clientOf(node: unknown): Promise<NodeClient | undefined> {
    try {
      const client = Promise.resolve(this.#cluster.nodeClient(node));
      const late = (): Error => new Error(`No connection within ${CONNECT_MS} ms.`);
      return await withDeadline(this.#clock, client, { timeoutMs: CONNECT_MS, late });
    } catch {
      // Another node may do.
      return undefined;
    }
  }
}
