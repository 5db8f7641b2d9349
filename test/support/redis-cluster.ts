// A private Redis cluster: three masters with a replica each on 127.0.0.1, whose slots can be moved and whose nodes can be killed.

import { RedisServer } from "./redis-server.ts";
import { until } from "./wait.ts";

const SLOTS = 16_384;
const MASTERS = 3;

/** Use as `await using`, or stop it at the end. */
export async function startRedisCluster({ nodeTimeoutMs = 2_000 } = {}): Promise<RedisCluster> {
  const starting = Array.from({ length: 2 * MASTERS }, () =>
    RedisServer.start({ cluster: { nodeTimeoutMs } }),
  );
  const started = await Promise.allSettled(starting);
  const nodes = started.flatMap((node) => (node.status === "fulfilled" ? [node.value] : []));
  const cluster = new RedisCluster(nodes);
  try {
    for (const node of started) if (node.status === "rejected") throw node.reason;
    await cluster.form();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

interface Shard {
  from: number;
  to: number;
  /** The master first. */
  ports: number[];
}

export class RedisCluster implements AsyncDisposable {
  /** Three masters, and then their replicas in the same order, as the cluster was formed. */
  readonly nodes: readonly RedisServer[];
  /** Killed or frozen. */
  readonly #lost = new Set<RedisServer>();

  constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  /** As `REDIS_URL` lists a cluster's nodes. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(",");
  }

  get #alive(): RedisServer[] {
    return this.nodes.filter((node) => !this.#lost.has(node));
  }

  async form(): Promise<void> {
    const masters = this.nodes.slice(0, MASTERS);
    const replicas = this.nodes.slice(MASTERS);
    for (const [index, node] of this.nodes.entries())
      await node.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    for (const [index, master] of masters.entries()) {
      const [from, to] = [index, index + 1].map((share) => Math.floor((share * SLOTS) / MASTERS));
      const slots = Array.from({ length: (to ?? 0) - (from ?? 0) }, (_, slot) => String((from ?? 0) + slot));
      await master.command("CLUSTER", "ADDSLOTS", ...slots);
    }
    // Each meets each: word of mouth would take seconds.
    for (const node of this.nodes)
      for (const { port, busPort } of this.nodes)
        if (port !== node.port)
          await node.command("CLUSTER", "MEET", "127.0.0.1", String(port), String(busPort));
    await until(() => this.#all(async (node) => (await knownNodes(node)) === this.nodes.length), {
      what: "all nodes to know each other",
      withinMs: 30_000,
    });
    for (const [index, replica] of replicas.entries())
      await replica.command("CLUSTER", "REPLICATE", await idOf(masters[index]));
    await this.whole();
  }

  /** Resolves once each node that is alive serves, and knows a master for each slot and its replicas. */
  async whole(): Promise<void> {
    const isWhole = async (node: RedisServer): Promise<boolean> => {
      const info = String(await node.command("CLUSTER", "INFO"));
      const shards = await shardsOf(node);
      const replicas = new Set(shards.flatMap(({ ports }) => ports.slice(1)));
      const expected = this.#alive.length - MASTERS;
      const link = String(await node.command("INFO", "replication"));
      return (
        info.includes("cluster_state:ok") && replicas.size === expected && !link.includes("link_status:down")
      );
    };
    await until(() => this.#all(isWhole), { what: "the cluster to be whole", withinMs: 30_000 });
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.#alive[0]?.command("CLUSTER", "KEYSLOT", key));
  }

  /** The slot's master, as the other nodes have it. */
  async ownerOf(slot: number): Promise<RedisServer> {
    const shards = await shardsOf(this.#alive[0]);
    const port = shards.find(({ from, to }) => from <= slot && slot <= to)?.ports[0];
    const owner = this.nodes.find((node) => node.port === port);
    if (!owner) throw new Error(`Slot ${slot} has no master`);
    return owner;
  }

  async masters(): Promise<RedisServer[]> {
    const ports = new Set((await shardsOf(this.#alive[0])).map((shard) => shard.ports[0]));
    return this.nodes.filter(({ port }) => ports.has(port));
  }

  /** Begins to move a slot to another master. Until it is finished, clients are asked to ask there for keys that are gone. */
  async beginMove(slot: number): Promise<SlotMove> {
    const from = await this.ownerOf(slot);
    const to = (await this.masters()).find((master) => master !== from);
    if (!to) throw new Error("There is one master only");
    await to.command("CLUSTER", "SETSLOT", String(slot), "IMPORTING", await idOf(from));
    await from.command("CLUSTER", "SETSLOT", String(slot), "MIGRATING", await idOf(to));
    return { slot, from, to };
  }

  /** Moves up to `count` keys; returns how many there were. */
  async moveKeys({ slot, from, to }: SlotMove, count = 1): Promise<number> {
    const reply = await from.command("CLUSTER", "GETKEYSINSLOT", String(slot), String(count));
    const keys = Array.isArray(reply) ? reply.map(String) : [];
    for (const key of keys) await from.command("MIGRATE", "127.0.0.1", String(to.port), key, "0", "5000");
    return keys.length;
  }

  async finishMove(move: SlotMove): Promise<void> {
    while ((await this.moveKeys(move, 100)) > 0);
    const id = await idOf(move.to);
    const masters = await this.masters();
    const others = masters.filter((master) => master !== move.to);
    for (const master of [move.to, ...others])
      await master.command("CLUSTER", "SETSLOT", String(move.slot), "NODE", id);
  }

  /** SIGKILL, or with `frozen` SIGSTOP. The cluster doesn't notice before its node timeout. */
  async lose(master: RedisServer, { frozen = false } = {}): Promise<void> {
    this.#lost.add(master);
    if (frozen) master.pause();
    else await master.kill();
  }

  /** SIGKILL. Returns once a replica has taken its slots over, and all that are left know it. */
  async replace(master: RedisServer): Promise<void> {
    await this.lose(master);
    await until(
      () => this.#all(async (node) => !(await shardsOf(node)).some(({ ports }) => ports[0] === master.port)),
      { what: "a replica to take over", withinMs: 30_000 },
    );
    await this.whole();
  }

  /** Takes a slot from its master: a node that lacks one answers nothing that has a key. What is returned gives it back. */
  async breakSlot(slot: number): Promise<() => Promise<void>> {
    const owner = await this.ownerOf(slot);
    await owner.command("CLUSTER", "DELSLOTS", String(slot));
    await until(async () => String(await owner.command("CLUSTER", "INFO")).includes("cluster_state:fail"), {
      what: "the cluster to be down",
    });
    return async () => {
      await owner.command("CLUSTER", "ADDSLOTS", String(slot));
      await this.whole();
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #all(holds: (node: RedisServer) => Promise<boolean>): Promise<boolean> {
    for (const node of this.#alive) if (!(await holds(node))) return false;
    return true;
  }
}

export interface SlotMove {
  slot: number;
  from: RedisServer;
  to: RedisServer;
}

async function idOf(node: RedisServer | undefined): Promise<string> {
  return String(await node?.command("CLUSTER", "MYID"));
}

async function knownNodes(node: RedisServer): Promise<number> {
  const lines = String(await node.command("CLUSTER", "NODES"))
    .trim()
    .split("\n");
  return lines.filter((line) => line.includes(" connected") && !line.includes("handshake")).length;
}

async function shardsOf(node: RedisServer | undefined): Promise<Shard[]> {
  const reply = await node?.command("CLUSTER", "SLOTS");
  if (!Array.isArray(reply)) throw new TypeError("CLUSTER SLOTS gave no list");
  return reply.map((entry: unknown) => {
    const [from, to, ...nodes] = entry as unknown[];
    return { from: Number(from), to: Number(to), ports: nodes.map((each) => Number((each as unknown[])[1])) };
  });
}
