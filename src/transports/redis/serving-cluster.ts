// The cluster client that commands go by: the caller's, and one like it once that one hangs. When node-redis asks for the cluster's
// nodes, it waits for a connection to each that is new to it, in all versions and for ever. A node that hasn't heard of a fail-over yet
// names the dead master, and from then on the client neither learns of others nor has commands for that one's slots answered.

import { background } from "../../lib/background.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import type { NodeRedisCluster } from "./node-redis-cluster.ts";
import type { ClusterMaster, NodeClient } from "./ready-node.ts";

type Listener = (...args: unknown[]) => void;

/** It is connected to the cluster by one node that is there. */
const CONNECT_MS = 2_000;
/** How often it is looked whether the caller has closed their client: no version tells. */
const LOOK_MS = 1_000;

export class ServingCluster {
  readonly #given: NodeRedisCluster;
  readonly #clock: Clock;
  readonly #listeners: { event: string; listener: Listener }[] = [];
  /** Absent while the caller's serves. */
  #own: NodeRedisCluster | undefined;

  constructor(given: NodeRedisCluster, clock: Clock) {
    this.#given = given;
    this.#clock = clock;
  }

  /** Whether the caller's is open: if they close it, nothing serves any more. */
  get isOpen(): boolean {
    return this.#given.isOpen;
  }

  get masters(): readonly ClusterMaster[] {
    return this.#serving.masters;
  }

  get #serving(): NodeRedisCluster {
    return this.#own ?? this.#given;
  }

  connect(): Promise<unknown> {
    return this.#given.connect();
  }

  nodeClient(node: ClusterMaster): NodeClient | Promise<NodeClient> {
    return this.#serving.nodeClient(node);
  }

  sendCommand(firstKey: string | undefined, isReadonly: boolean, words: string[]): Promise<unknown> {
    return this.#serving.sendCommand(firstKey, isReadonly, words);
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push({ event, listener });
    this.#serving.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    const at = this.#listeners.findIndex((each) => each.event === event && each.listener === listener);
    if (at >= 0) this.#listeners.splice(at, 1);
    this.#serving.off(event, listener);
  }

  /** Puts one of our own in the place of a client that hangs. False if it can't be connected either. */
  async replace(): Promise<boolean> {
    // It connects to a node with the first command for it, and waits for none.
    const own = this.#given.duplicate({ minimizeConnections: true });
    own.on("error", ignore);
    try {
      const late = (): Error => new Error(`No connection within ${CONNECT_MS} ms.`);
      await withDeadline(this.#clock, own.connect(), { timeoutMs: CONNECT_MS, late });
    } catch {
      end(own);
      return false;
    }
    if (!this.isOpen) {
      end(own);
      return false;
    }
    const before = this.#serving;
    // It goes on to call for the dead node, and to tell of it: that is nobody's trouble any more.
    before.on("error", ignore);
    for (const { event, listener } of this.#listeners) {
      before.off(event, listener);
      own.on(event, listener);
    }
    this.#own = own;
    if (before === this.#given) this.#closeWithGiven();
    else end(before);
    return true;
  }

  /** Closes both. */
  destroy(): void {
    this.#endOwn();
    end(this.#given);
  }

  #closeWithGiven(): void {
    this.#clock.after(LOOK_MS, () => {
      if (!this.#own) return;
      if (this.isOpen) this.#closeWithGiven();
      else this.#endOwn();
    });
  }

  #endOwn(): void {
    if (this.#own) end(this.#own);
    this.#own = undefined;
  }
}

/** An error event that nobody listens to ends the process. */
function ignore(): void {}

function end(client: NodeRedisCluster): void {
  if (!client.isOpen) return;
  if (client.destroy) client.destroy();
  // Rejects what is under way, which has been told already; nothing is left to wait for.
  else background(Promise.resolve(client.disconnect?.()), () => undefined);
}
