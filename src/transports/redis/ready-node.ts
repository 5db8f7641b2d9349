// Nodes of a node-redis cluster that serve, for what no key ties to one: messages.

import { type Clock, withDeadline } from "../../lib/clock.ts";
import { inOrderFor } from "./channel-node.ts";
import type { NodeRedisClient } from "./node-redis.ts";

/** A node-redis client of one node. */
export interface NodeClient extends NodeRedisClient {
  readonly isReady: boolean;
  duplicate(): NodeRedisClient;
}

export interface ClusterMaster {
  readonly address: string;
}

export interface NodesOfCluster {
  /** Empty until the cluster has told its nodes. */
  readonly masters: readonly ClusterMaster[];
  nodeClient(node: ClusterMaster): NodeClient | Promise<NodeClient>;
}

/** How long a node may take that the cluster client has no connection to yet. */
const CONNECT_MS = 500;
/** How long a node is left alone that was silent. */
const AVOIDED_MS = 5_000;

export class ReadyNodes {
  readonly #cluster: NodesOfCluster;
  readonly #clock: Clock;
  /** Until when, by address. */
  readonly #avoided = new Map<string, number>();

  constructor(cluster: NodesOfCluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** The first that serves, in an order that begins at `start`. */
  async find(start: number): Promise<{ address: string; client: NodeClient }> {
    const masters = inOrderFor(start, this.#cluster.masters, ({ address }) => address);
    const now = this.#clock.now();
    const isAvoided = ({ address }: ClusterMaster): boolean => (this.#avoided.get(address) ?? 0) > now;
    // Nodes that were silent come last: they may be all that there is.
    for (const master of [...masters.filter((each) => !isAvoided(each)), ...masters.filter(isAvoided)]) {
      const client = await this.#clientOf(master);
      if (client?.isReady === true) return { address: master.address, client };
    }
    throw new Error("No node of the cluster can be reached.");
  }

  /** Whether a node answers. Never rejects. */
  async isAnswered(): Promise<boolean> {
    try {
      const { client } = await this.find(0);
      const late = (): Error => new Error(`No answer within ${CONNECT_MS} ms.`);
      await withDeadline(this.#clock, client.sendCommand(["PING"]), { timeoutMs: CONNECT_MS, late });
      return true;
    } catch {
      return false;
    }
  }

  /** For a node that says that it is ready, and is silent. */
  avoid(address: string): void {
    this.#avoided.set(address, this.#clock.now() + AVOIDED_MS);
  }

  /** Undefined if there is none in time. */
  async #clientOf(master: ClusterMaster): Promise<NodeClient | undefined> {
    try {
      const client = Promise.resolve(this.#cluster.nodeClient(master));
      const late = (): Error => new Error(`No connection within ${CONNECT_MS} ms.`);
      return await withDeadline(this.#clock, client, { timeoutMs: CONNECT_MS, late });
    } catch {
      // Another node may do.
      this.avoid(master.address);
      return undefined;
    }
  }
}
