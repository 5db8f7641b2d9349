// Any node of a cluster that serves, for what no key ties to one: messages.

import { type Clock, withDeadline } from "../../lib/clock.ts";
import type { NodeRedisClient } from "./node-redis.ts";

/** A node-redis client of one node. */
export interface NodeClient extends NodeRedisClient {
  readonly isReady: boolean;
  duplicate(): NodeRedisClient;
}

export interface NodesOfCluster {
  /** Empty until the cluster has told its nodes. */
  readonly masters: readonly unknown[];
  nodeClient(node: unknown): NodeClient | Promise<NodeClient>;
}

/** How long a node may take that the cluster client has no connection to yet. */
const CONNECT_MS = 500;

/** Stays with one node as long as it serves: one connection keeps messages in order. */
export class ReadyNode {
  readonly #cluster: NodesOfCluster;
  readonly #clock: Clock;
  /** Absent before the first, and after one that was avoided. */
  #client: NodeClient | undefined;
  /** Where the next search begins among the masters: processes spread over them. */
  #next = Math.floor(Math.random() * 16_384);

  constructor(cluster: NodesOfCluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  async get(): Promise<NodeClient> {
    if (this.#client?.isReady !== true) this.#client = await this.#search();
    return this.#client;
  }

  /** For a node that says that it is ready, and is silent. */
  avoid(): void {
    this.#client = undefined;
    this.#next += 1;
  }

  async #search(): Promise<NodeClient> {
    const { masters } = this.#cluster;
    let other: NodeClient | undefined;
    for (let tries = 0; tries < masters.length; tries++) {
      const client = await this.#clientOf(masters[(this.#next + tries) % masters.length]);
      if (client?.isReady === true) return client;
      other ??= client;
    }
    if (!other) throw new Error("No node of the cluster can be reached.");
    return other;
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
