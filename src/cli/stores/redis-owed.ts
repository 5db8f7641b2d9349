// Records of Redis whose text, or that of claims before it, is owed to an app.

import { checkOptions } from "../../api/options.ts";
import { checkLogOptions, connectLog, createRedisLog } from "../../contexts/redis-log.ts";
import { markOf } from "../../lib/position.ts";
import { OWE_AGAIN, OWED } from "../../transports/redis-log/admin-scripts.ts";
import { toListOrNothing, toNumber, toText } from "../../transports/redis-log/answers.ts";
import { keyOf, keysOf, streamIdOf } from "../../transports/redis-log/names.ts";
import { bounded } from "../deadline.ts";
import { openRedis } from "../redis-client.ts";
import type { RedisClient } from "../redis-single.ts";
import type { OwedStore, OwedStream } from "./owed-streams.ts";
import { scanFor } from "./redis-scan.ts";
import type { StoreOptions } from "./store.ts";

type Evaluate = (script: string, key: string, values: readonly string[]) => Promise<unknown>;

interface Parts {
  publisher: RedisClient;
  keyPrefix: string;
  leaseMs: number;
  evaluate: Evaluate;
}

export async function openRedisOwed({ url, ...options }: StoreOptions): Promise<OwedStore> {
  const checked = checkOptions({ ...options, waitUntil: null });
  const settings = checkLogOptions({});
  const { leaseMs } = settings;
  const publisher = await openRedis(url);
  const subscriber = await openRedis(url).catch((error: unknown) => {
    publisher.close();
    throw error;
  });
  const connection = connectLog({ publisher: publisher.client, subscriber: subscriber.client });
  const log = createRedisLog({ checked, settings, connection });
  const evaluate: Evaluate = (script, key, values) => {
    const { record, tail, text } = keysOf(key);
    const words = ["EVAL", script, "3", record, tail, text, String(leaseMs), ...values];
    return bounded("look after what is owed", publisher.connection.command(words, key));
  };
  return {
    log,
    list: () => list({ publisher, keyPrefix: checked.keyPrefix, leaseMs, evaluate }),
    oweAgain: async ({ key, epoch }) => void (await evaluate(OWE_AGAIN, key, [String(epoch)])),
    close: async () => {
      await log.store.close();
      publisher.close();
      subscriber.close();
    },
  };
}

/** In no order. */
async function* list({ publisher, keyPrefix, leaseMs, evaluate }: Parts): AsyncGenerator<OwedStream> {
  const beginning = keyOf(keyPrefix, "").slice(0, -1);
  const isWanted = (key: string): boolean => streamIdOf(keyPrefix, key) !== undefined;
  for await (const keys of scanFor({ publisher, beginning, isWanted })) {
    const answers = await Promise.all(
      keys.map(async (key) => toOwed({ key, keyPrefix, leaseMs }, await evaluate(OWED, key, []))),
    );
    yield* answers.flat();
  }
}

/** Of one record: itself, and claims before it. */
function toOwed(
  { key, keyPrefix, leaseMs }: { key: string } & Pick<Parts, "keyPrefix" | "leaseMs">,
  value: unknown,
): OwedStream[] {
  const answer = toListOrNothing(value);
  const streamId = streamIdOf(keyPrefix, key);
  if (!answer || streamId === undefined) return [];
  const [current, tail, status, leaseEnd, handovers, isRunning, time, ...older] = answer;
  const now = toNumber(time);
  const owed = (
    epoch: number,
    isSuperseded: boolean,
    facts: { status: string; tail: number; sinceMs: number; handOver: string },
  ): OwedStream => {
    const { sinceMs, handOver, ...more } = facts;
    const since = new Date(sinceMs).toISOString();
    return {
      key,
      epoch,
      isSuperseded,
      isNamed: true,
      facts: { streamId, generation: markOf(epoch), ...more, since, handOver },
    };
  };
  const claims = Array.from({ length: older.length / 3 }, (_, index) => {
    const [epoch, stop, handOver] = older.slice(3 * index);
    return { epoch: toNumber(epoch), tail: toNumber(stop), handOver: toText(handOver) };
  });
  claims.sort((one, other) => one.epoch - other.epoch);
  const superseded = claims.map(({ epoch, handOver: noted, ...facts }, index) => {
    // By the next claim. An epoch is the moment of its claim, in microseconds; its producer may still give its text within a lease.
    const sinceMs = Math.floor((claims[index + 1]?.epoch ?? toNumber(current)) / 1_000);
    const handOver = sinceMs + leaseMs > now ? "running" : noted;
    return owed(epoch, true, { status: "lost", ...facts, sinceMs, handOver });
  });
  if (toText(handovers) === "") return superseded;
  const state = toNumber(handovers) > 0 ? "due" : "given-up";
  return [
    ...superseded,
    owed(toNumber(current), false, {
      status: toText(status),
      tail: toNumber(tail),
      // A record doesn't say when it was written last, but no lease lasts longer without that.
      sinceMs: Math.min(now, toNumber(leaseEnd)),
      handOver: toText(isRunning) === "1" ? "running" : state,
    }),
  ];
}
