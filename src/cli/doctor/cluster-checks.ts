// Checks of a Redis cluster as a whole, besides those of its nodes.

import { randomUUID } from "node:crypto";
import { clusterNodes } from "../../transports/redis/cluster-nodes.ts";
import { createNames } from "../../transports/relay/protocol.ts";
import { bounded } from "../deadline.ts";
import { describeError } from "../print.ts";
import { mastersOf, type RedisNode } from "../redis-single.ts";
import type { Check, Finding } from "./check.ts";
import type { RedisSubject } from "./redis-checks.ts";

const SLOTS = 16_384;
const DELIVERY_TIMEOUT_MS = 3_000;

const naming: Check<RedisSubject> = {
  name: "cluster URL",
  advice: "Name the cluster's nodes, separated by commas.",
  run: ({ url }) => {
    const nodes = clusterNodes(url);
    if (nodes) return settled({ status: "ok", found: `nodes of a cluster are named: ${nodes.urls.length}` });
    return settled({
      status: "failed",
      found: "the URL is of one node of a cluster, and names it as if it were the only server",
      advice:
        "Set REDIS_URL to the URLs of some nodes, separated by commas. A single one needs a comma behind it. If you pass clients of your own, make them with createCluster (node-redis) or new Cluster (ioredis).",
    });
  },
};

const masters: Check<RedisSubject> = {
  name: "masters",
  advice: "Allow this user the command CLUSTER SLOTS.",
  run: async ({ one }) => {
    const nodes = await mastersOf(one);
    const trouble = await Promise.all(nodes.map((node) => troubleOf(node, () => node.ask("PING"))));
    const unreachable = trouble.filter((told) => told !== undefined);
    if (unreachable.length === 0)
      return { status: "ok", found: `all ${nodes.length} are reached: ${addressesOf(nodes)}` };
    return {
      status: "failed",
      found: `not all are reached: ${unreachable.join(", ")}`,
      advice:
        "Start them, or open their ports to this machine: clients connect to every node, at the address that CLUSTER SLOTS names. If that is one of an inner network, set cluster-announce-ip and cluster-announce-port.",
    };
  },
};

const state: Check<RedisSubject> = {
  name: "cluster state",
  advice: "Allow this user the command CLUSTER INFO.",
  run: async ({ one }) => {
    const nodes = await mastersOf(one);
    const advice = `Run "redis-cli --cluster check ${nodes[0]?.address ?? "HOST:PORT"}". Start what is down, and give slots that nobody has to a master ("redis-cli --cluster fix").`;
    const covered = nodes.reduce((sum, { slots }) => sum + slots, 0);
    const trouble = await Promise.all(
      nodes.map((node) =>
        troubleOf(node, async () => {
          const info = String(await node.ask("CLUSTER", "INFO"));
          const told = /^cluster_state:(\w+)/m.exec(info)?.[1] ?? "unknown";
          if (told !== "ok") throw new Error(`cluster_state is ${told}`);
        }),
      ),
    );
    const told = trouble.filter((each) => each !== undefined);
    if (covered !== SLOTS) told.push(`${covered} of ${SLOTS} slots have a master`);
    if (told.length > 0) return { status: "failed", found: told.join(", "), advice };
    return { status: "ok", found: `cluster_state is ok, and all ${SLOTS} slots have a master` };
  },
};

const channels: Check<RedisSubject> = {
  name: "channels",
  advice: "Allow this user PUBLISH, SUBSCRIBE and the channels of the prefix (ACL: &PREFIX:rs:* +@pubsub).",
  run: async ({ keyPrefix, one, other }) => {
    const nodes = await mastersOf(one);
    const missing = new Set(nodes.map(({ address }) => address));
    let onAll: () => void = () => undefined;
    const all = new Promise<void>((resolve) => (onAll = resolve));
    const channel = createNames(keyPrefix).inbox(`doctor-${randomUUID()}`);
    const onMessage = (address: string): void => {
      missing.delete(address);
      if (missing.size === 0) onAll();
    };
    await bounded("subscribe", other.connection.subscribe(channel, onMessage));
    try {
      const sent = Promise.all(nodes.map((node) => node.ask("PUBLISH", channel, node.address)));
      // The addresses that are missing tell, whatever kept their messages from arriving.
      await bounded("deliver", Promise.all([sent, all]), DELIVERY_TIMEOUT_MS).catch(() => undefined);
    } finally {
      await bounded("unsubscribe", other.connection.unsubscribe(channel));
    }
    if (missing.size === 0)
      return { status: "ok", found: `a message that any of the ${nodes.length} masters takes arrives` };
    return {
      status: "failed",
      found: `a message doesn't arrive that is published at ${[...missing].join(", ")}`,
      advice:
        "Open the nodes' bus ports to each other (the port and 10000, or cluster-port), and let this user publish and subscribe on each.",
    };
  },
};

export const CLUSTER_CHECKS: readonly Check<RedisSubject>[] = [naming, masters, state, channels];

/** Undefined if there is none. */
async function troubleOf(node: RedisNode, act: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return `${node.address} (${describeError(error)})`;
  }
}

function addressesOf(nodes: readonly RedisNode[]): string {
  return nodes.map(({ address }) => address).join(", ");
}

function settled(finding: Omit<Finding, "check">): Promise<Omit<Finding, "check">> {
  return Promise.resolve(finding);
}
