// What goes wrong with Redis.

import { randomUUID } from "node:crypto";
import { redisPublishPort } from "../../transports/redis/relay-ports.ts";
import { keysOf } from "../stores/redis-relayed.ts";
import { createNames } from "../../transports/relay/protocol.ts";
import { bounded } from "../deadline.ts";
import { toPairs } from "../redis-client.ts";
import { mastersOf, type RedisClient, type RedisNode } from "../redis-single.ts";
import { type Check, compareClocks } from "./check.ts";
import { keepText } from "./keep-text-check.ts";

export interface RedisSubject {
  one: RedisClient;
  other: RedisClient;
  /** As the user named the server. */
  url: string;
  keyPrefix: string;
}

/** A page, and as many as a producer has on their way to one follower. */
const PAGE_BYTES = 262_144;
const PAGES_IN_FLIGHT = 4;
const IN_FLIGHT_BYTES = PAGE_BYTES * PAGES_IN_FLIGHT;
const DELIVERY_TIMEOUT_MS = 3_000;

const version: Check<RedisNode> = {
  name: "version",
  advice:
    "Allow this user the command INFO, or look the version up: it must be Redis 6.2 or newer, or Valkey.",
  run: async (node) => {
    const info = await infoOf(node, "server");
    const valkey = info.get("valkey_version");
    const redis = info.get("redis_version");
    if (valkey !== undefined) return { status: "ok", found: `Valkey ${valkey}` };
    if (redis === undefined) {
      const advice = "Make sure it is Redis 6.2 or newer: SET with GET and NX is needed.";
      return { status: "skipped", found: "the server doesn't tell its version", advice };
    }
    const [major = 0, minor = 0] = redis.split(".").map(Number);
    if (major > 6 || (major === 6 && minor >= 2)) return { status: "ok", found: `Redis ${redis}` };
    return { status: "failed", found: `Redis ${redis}`, advice: "Upgrade to Redis 6.2 or newer, or Valkey." };
  },
};

const records: Check<RedisSubject> = {
  name: "records",
  advice:
    "Connect to the primary, and allow this user SET, GET, DEL, EVAL and EXPIRE on the keys of the prefix (ACL: ~PREFIX:rs:* +@write +@read +eval).",
  run: async ({ one, keyPrefix }) => {
    const key = createNames(keyPrefix).record(`doctor-${randomUUID()}`);
    const port = redisPublishPort(one.connection).records;
    const claim = { epoch: 1, ttlSeconds: 60 };
    const claims = [
      await bounded("claim", port.claimIfFree(key, claim)),
      // Another's: over a cluster, which repeats commands, the same one would find itself.
      await bounded("claim", port.claimIfFree(key, { ...claim, epoch: 2 })),
    ];
    const isFinished = await bounded("finish", port.finish(key, claim, { epoch: 1, tail: 0, end: "done" }));
    await one.ask("DEL", ...keysOf(key));
    if (claims[0] === true && claims[1] === false && isFinished) {
      return { status: "ok", found: "a record can be claimed once, finished and removed" };
    }
    return { status: "failed", found: "records don't change as they should", advice: records.advice };
  },
};

const pubSub: Check<RedisSubject> = {
  name: "pub/sub",
  advice:
    "Allow this user PUBLISH, SUBSCRIBE and the channels of the prefix (ACL: &PREFIX:rs:* +@pubsub), and use a server and plan that has pub/sub.",
  run: async ({ one, other, keyPrefix }) => {
    const there = await deliver({ from: one, to: other, keyPrefix, messages: ["there"] });
    const back = await deliver({ from: other, to: one, keyPrefix, messages: ["back"] });
    if (!there.isDelivered || !back.isDelivered) {
      const found = `a message from ${there.isDelivered ? "the second connection to the first" : "one connection to another"} didn't arrive within ${DELIVERY_TIMEOUT_MS} ms`;
      const advice =
        "Connect publisher and subscriber to the same server, without a proxy or a cache in between; pub/sub must be in its plan.";
      return { status: "failed", found, advice };
    }
    // A cluster's count is of one node, and isn't used.
    const isCounted = one.connection.isCluster || (there.receivers === 1 && back.receivers === 1);
    if (isCounted) {
      return { status: "ok", found: `messages arrive both ways, in ${Math.round(there.tookMs)} ms` };
    }
    const advice =
      "Behind a proxy that is so: a stream that is done is then told as done after ackTimeoutMs rather than at once.";
    return { status: "warning", found: "messages arrive, but PUBLISH counts no receiver", advice };
  },
};

const pages: Check<RedisSubject> = {
  name: "pages",
  advice: `Raise client-output-buffer-limit for pubsub, and any limit of the provider on the size of a message: pages have up to ${PAGE_BYTES} bytes.`,
  run: async ({ one, other, keyPrefix }) => {
    const messages = Array.from({ length: PAGES_IN_FLIGHT }, () => "x".repeat(PAGE_BYTES));
    const { isDelivered, tookMs } = await deliver({ from: one, to: other, keyPrefix, messages });
    const what = `${PAGES_IN_FLIGHT} pages of ${PAGE_BYTES} bytes`;
    if (isDelivered) return { status: "ok", found: `${what} arrive, in ${Math.round(tookMs)} ms` };
    return { status: "failed", found: `${what} didn't arrive`, advice: pages.advice };
  },
};

const buffers: Check<RedisNode> = {
  name: "output buffers",
  advice: "Look the setting client-output-buffer-limit up where the server is configured.",
  run: async (node) => {
    const setting = await configOf(node, "client-output-buffer-limit");
    const [, hard, soft, seconds] = /\bpubsub (\d+) (\d+) (\d+)/.exec(setting ?? "") ?? [];
    if (hard === undefined || soft === undefined) {
      const advice =
        "Where you can look it up, client-output-buffer-limit for pubsub should allow 8 MiB or more.";
      return { status: "skipped", found: "the server doesn't tell its limits", advice };
    }
    const found = `a subscriber is cut off at ${bytes(hard)}, or at ${bytes(soft)} for ${seconds} s`;
    const advice = `Run CONFIG SET client-output-buffer-limit "pubsub 33554432 8388608 60" (Redis' default), and set it in redis.conf too.`;
    if (isBelow(hard, IN_FLIGHT_BYTES)) return { status: "failed", found, advice };
    // Followers of one process share a connection.
    if (isBelow(hard, 8 * IN_FLIGHT_BYTES) || isBelow(soft, IN_FLIGHT_BYTES))
      return { status: "warning", found, advice };
    return { status: "ok", found };
  },
};

const eviction: Check<RedisNode> = {
  name: "eviction",
  advice: "Look the setting maxmemory-policy up where the server is configured: it should be noeviction.",
  run: async (node) => {
    const memory = await infoOf(node, "memory").catch(() => new Map<string, string>());
    const policy = memory.get("maxmemory_policy") ?? (await configOf(node, "maxmemory-policy"));
    if (policy === undefined) {
      return { status: "skipped", found: "the server doesn't tell its policy", advice: eviction.advice };
    }
    if (policy === "noeviction") return { status: "ok", found: "maxmemory-policy is noeviction" };
    const isLimited = memory.get("maxmemory") !== "0";
    const found = `maxmemory-policy is ${policy}${isLimited ? "" : ", with no limit that it would apply at"}`;
    // Every key of a stream has a time to live.
    const scope = policy.startsWith("volatile-") ? "keys that expire, as all of a stream's do" : "any key";
    const advice = `Run CONFIG SET maxmemory-policy noeviction, or give streams a server of their own. This policy removes ${scope}: a stream whose record is evicted can be produced twice, and isn't found by followers. Of kept text, what has ended is gone for good, and what runs is written again by its producer.`;
    return { status: isLimited ? "failed" : "warning", found, advice };
  },
};

/** For information: streams work either way. */
const persistence: Check<RedisNode> = {
  name: "persistence",
  advice: "Look the setting appendonly up where the server is configured.",
  run: async (node) => {
    const info = await infoOf(node, "persistence").catch(() => new Map<string, string>());
    const enabled = info.get("aof_enabled") ?? (await configOf(node, "appendonly"));
    if (enabled === undefined) {
      const advice = "With keepText: true, text that has ended survives a restart only with appendonly yes.";
      return {
        status: "skipped",
        found: "the server doesn't tell whether it has an append-only file",
        advice,
      };
    }
    const isOn = enabled === "1" || enabled === "yes";
    const found = isOn
      ? "appendonly is on: with keepText: true, text survives a restart"
      : "appendonly is off: with keepText: true, a restart loses text that has ended; producers write again what runs";
    return { status: "ok", found };
  },
};

const clocks: Check<RedisSubject> = {
  name: "clocks",
  advice: "Allow this user the command TIME.",
  run: ({ one }) =>
    compareClocks(async () => {
      const reply = await one.ask("TIME");
      const [seconds, microseconds] = Array.isArray(reply) ? reply.map(Number) : [];
      return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
    }),
};

export const REDIS_CHECKS: readonly Check<RedisSubject>[] = [
  onEachMaster(version),
  records,
  pubSub,
  pages,
  keepText,
  onEachMaster(buffers),
  onEachMaster(eviction),
  onEachMaster(persistence),
  clocks,
];

const SEVERITY = ["ok", "skipped", "warning", "failed"] as const;

/** The worst of what is found at the masters of a cluster, or at the one server. */
function onEachMaster({ run, ...check }: Check<RedisNode>): Check<RedisSubject> {
  return {
    ...check,
    run: async ({ one }) => {
      const nodes = await mastersOf(one);
      const findings = await Promise.all(nodes.map(async (node) => ({ node, finding: await run(node) })));
      const [worst] = findings.toSorted(
        (a, b) => SEVERITY.indexOf(b.finding.status) - SEVERITY.indexOf(a.finding.status),
      );
      if (!worst) throw new Error("The cluster has no master.");
      const { finding, node } = worst;
      if (finding.status === "ok" || nodes.length === 1) return finding;
      return { ...finding, found: `${node.address}: ${finding.found}` };
    },
  };
}

interface Delivery {
  from: RedisClient;
  to: RedisClient;
  keyPrefix: string;
  messages: string[];
}

async function deliver({ from, to, keyPrefix, messages }: Delivery): Promise<{
  isDelivered: boolean;
  receivers: number | undefined;
  tookMs: number;
}> {
  const channel = createNames(keyPrefix).inbox(`doctor-${randomUUID()}`);
  let missing = messages.length;
  let onAll: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (onAll = resolve));
  await bounded(
    "subscribe",
    to.connection.subscribe(channel, (message) => {
      if (message === messages[0] && --missing === 0) onAll();
    }),
  );
  const startedAt = performance.now();
  const counts = await Promise.all(messages.map((message) => from.ask("PUBLISH", channel, message)));
  const isDelivered = await bounded("deliver", all, DELIVERY_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
  const tookMs = performance.now() - startedAt;
  await bounded("unsubscribe", to.connection.unsubscribe(channel));
  return { isDelivered, receivers: typeof counts[0] === "number" ? counts[0] : undefined, tookMs };
}

async function infoOf(client: Pick<RedisNode, "ask">, section: string): Promise<Map<string, string>> {
  const text = String(await client.ask("INFO", section));
  return new Map([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = "", value = ""]) => [name, value]));
}

/** Undefined if the server doesn't tell: hosted ones often forbid it. */
async function configOf(client: Pick<RedisNode, "ask">, name: string): Promise<string | undefined> {
  const reply = await client.ask("CONFIG", "GET", name).catch(() => undefined);
  return toPairs(reply).get(name);
}

/** 0 means no limit. */
function isBelow(limit: string, wanted: number): boolean {
  return Number(limit) > 0 && Number(limit) < wanted;
}

function bytes(limit: string): string {
  return limit === "0" ? "no limit" : `${limit} bytes`;
}
