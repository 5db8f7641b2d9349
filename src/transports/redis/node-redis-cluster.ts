// Cluster clients of node-redis, major versions 4, 5 and 6.

import { type Clock, systemClock, withDeadline } from "../../lib/clock.ts";
import { channelStart } from "./channel-node.ts";
import { isPassingAnswer, repeated } from "./cluster-answers.ts";
import { LayoutWatch } from "./cluster-layout.ts";
import { ClusterSubscriber } from "./cluster-subscriber.ts";
import { type NodesOfCluster, ReadyNodes } from "./ready-node.ts";
import { type Emitter, listen, type RedisConnection, withoutArguments } from "./redis-connection.ts";
import { ServingCluster } from "./serving-cluster.ts";

/** The part of a node-redis cluster client that we use. */
export interface NodeRedisCluster extends Emitter, NodesOfCluster {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  /** `firstKey` names the node. */
  sendCommand(firstKey: string | undefined, isReadonly: boolean, words: string[]): Promise<unknown>;
  /** Absent in 4, whose name for it is `disconnect`. */
  destroy?(): void;
  disconnect?(): Promise<unknown>;
  duplicate(options: { minimizeConnections: true }): NodeRedisCluster;
}

/** A node that is gone leaves commands without an answer: versions 4 and 5 wait for it for ever. Below every deadline of ours. */
const SILENT_MS = 1_000;

export function isNodeRedisCluster(client: object): client is NodeRedisCluster {
  return "slots" in client && "masters" in client && "nodeByAddress" in client && "nodeClient" in client;
}

export function nodeRedisClusterConnection(
  given: NodeRedisCluster,
  clock: Clock = systemClock,
): RedisConnection {
  const client = new ServingCluster(given, clock);
  const ready = readiness(client);
  const nodes = new ReadyNodes(client, clock);
  const layout = new LayoutWatch(client, clock, async () => (await nodes.isAnswered()) && client.replace());
  const subscriber = new ClusterSubscriber(nodes, clock);
  const whileItPasses = <T>(act: () => Promise<T>): Promise<T> =>
    repeated(
      async () => {
        await ready.until();
        return act();
      },
      {
        clock,
        isPassing: (error) => isPassingAnswer(error) || (client.isOpen && isPassingState(error)),
      },
    );
  const answered = async (answer: Promise<unknown>, onSilence: () => void): Promise<unknown> => {
    try {
      const late = (): Error => new Silence();
      return await withDeadline(clock, withoutArguments(answer), { timeoutMs: SILENT_MS, late });
    } catch (error) {
      if (error instanceof Silence) {
        onSilence();
        await layout.refresh();
      }
      throw error;
    }
  };
  const send = async (words: string[], key: string | undefined): Promise<unknown> => {
    if (words[0] !== "PUBLISH") return answered(client.sendCommand(key, false, words), () => undefined);
    const node = await nodes.find(channelStart(key ?? ""));
    return answered(node.client.sendCommand(words), () => nodes.avoid(node.address));
  };
  return {
    isCluster: true,
    command: (words, key) => whileItPasses(() => send(words, key)),
    subscribe: (channel, onMessage) => whileItPasses(() => subscriber.subscribe(channel, onMessage)),
    unsubscribe: (channel) => subscriber.unsubscribe(channel),
    onReconnect: (listener) => {
      const stops = [layout.onRefresh(listener), subscriber.onReconnect(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    onError: (listener) => listen(client, "error", (error) => listener(error)),
    isClosed: ready.isClosed,
    destroy: () => {
      subscriber.close();
      client.destroy();
    },
  };
}

interface Readiness {
  /** Connects a client that nobody has connected, and rejects if it can't be used. */
  until: () => Promise<void>;
  /** Whether its owner has closed it. */
  isClosed: () => boolean;
}

function readiness(client: ServingCluster): Readiness {
  let opening: Promise<void> | undefined;
  /** Whether the client was ever open. One that was, and isn't any more, was closed by its owner: it stays closed. */
  let wasOpen = false;
  const until = async (): Promise<void> => {
    // It counts as open from the first moment on: whoever comes meanwhile waits as well.
    if (opening || (!client.isOpen && !wasOpen)) {
      opening ??= client
        .connect()
        .then(() => undefined)
        .finally(() => {
          opening = undefined;
        });
      await opening;
    }
    wasOpen ||= client.isOpen;
    if (!client.isOpen) throw new Error("The client is closed");
    // Open from the first moment on, of no use before it knows the nodes: somebody else is connecting it.
    if (client.masters.length === 0) throw new LayoutUnknown();
  };
  return { until, isClosed: () => wasOpen && !client.isOpen };
}

class Silence extends Error {
  constructor() {
    super(`No answer within ${SILENT_MS} ms.`);
  }
}

class LayoutUnknown extends Error {
  constructor() {
    super("The cluster's nodes aren't known yet.");
  }
}

/** Errors of an open client that changes from one node to another. */
function isPassingState(error: unknown): boolean {
  return (
    error instanceof LayoutUnknown ||
    (error instanceof Error &&
      /^(No answer within|No node of the cluster|Socket closed unexpectedly|Disconnects client|The client is (closed|offline))/.test(
        error.message,
      ))
  );
}
