// Many streams in one process, each followed from another: does a stream of 10,000 cost what one of 1,000 does?

import { setTimeout as pass } from "node:timers/promises";
import { RedisServer } from "../../test/support/redis-server.ts";
import { Child } from "../lib/calls.ts";
import { atMost, type Bound } from "../lib/line.ts";
import { redisVersion } from "../lib/machine.ts";
import { endAll } from "../lib/pair.ts";
import type { Group, LineSpec, Measurement, Row, Sample } from "../lib/row.ts";
import type { PeerName } from "../peers/peer.ts";
import type { ScaleWorker } from "./worker.ts";

interface ScaleSetting {
  redis: RedisServer;
}

/** Several times what a follower's and a producer's periods are. */
const IDLE_MS = 12_000;
/** What began at the last attach has happened. */
const SETTLE_MS = 1_000;
const WARM_UP = 200;
const CALL_LIMIT_MS = 100_000;
/** 10,000 streams of the published library take more than Node gives by itself. */
const FLAGS = ["--expose-gc", "--max-old-space-size=8192"];

const TRIED = {
  attach:
    "1.2 times the published library of 10,000 in each run, 0.7 to 1.3 of 1,000. A follower subscribes and reads: two commands, one after the other, where the published one needs one.",
  end: "Its record is written before its end is told (G13), and its producer stays until its follower has the text and has left: a script, a message, a reply and UNSUBSCRIBE on either side. The published library publishes one message. A latch in place of two `AbortSignal`s took it from 2.7 to 2.2 times the published library. 250 ends are written at a time, which costs nothing here, and keeps the followers of a busy process.",
  heap: "20 KB of it are the text. Joined pieces and objects made on demand: 135 KB once.",
  follower:
    "It no longer keeps its first page: 29 KB before. What is left is a web stream with its queue, the state of what it needs next, and a subscription; the published follower has no state, and can't tell that a message was lost.",
  idle: "One question for all streams of a producing process in place of one for each: 40 commands a minute and follower before, 0.005 since. What is left is one timer a follower, which looks every 3 s whether its producer was heard. The published library does nothing here: its follower waits for a dead producer for ever.",
};
const PER_STREAM: Bound[] = [atMost(1.2, "published"), atMost(1.25, "floor")];

export const scale: Group<ScaleSetting & AsyncDisposable> = {
  name: "scale",
  title: "Many streams in one process",
  intro:
    "Streams of 20 KB in one process, each followed once from another, 100 calls at a time; every value is of one stream. The floor is this library with a tenth as many: beside it, what is linear is 1.",
  rows: [rowOf(1_000), rowOf(10_000)],
  async start() {
    const redis = await RedisServer.start();
    return { redis, [Symbol.asyncDispose]: () => redis.stop() };
  },
  versions: async ({ redis }) => ({ Redis: await redisVersion(redis) }),
};

function rowOf(count: number): Row<ScaleSetting> {
  const name = count.toLocaleString("en-US");
  const line = (
    key: string,
    label: string,
    given: Pick<LineSpec, "unit" | "bounds" | "tried">,
  ): LineSpec => ({
    key,
    label: `${name} streams, ${label}`,
    ...given,
  });
  return {
    name: `${name} streams`,
    rounds: 1,
    warmsUp: false,
    lines: [
      line("openMs", "to open one", { unit: "ms", bounds: PER_STREAM }),
      line("attachMs", "to attach a follower", { unit: "ms", bounds: PER_STREAM, tried: TRIED.attach }),
      line("endMs", "to end one for its follower", { unit: "ms", bounds: PER_STREAM, tried: TRIED.end }),
      line("streamBytes", "heap of one", {
        unit: "bytes",
        bounds: [...PER_STREAM, atMost(40 * 1024)],
        tried: TRIED.heap,
      }),
      line("followerBytes", "heap of a follower", {
        unit: "bytes",
        bounds: PER_STREAM,
        tried: TRIED.follower,
      }),
      line("idleCommands", "commands of an idle follower per minute", { unit: "count", bounds: [atMost(1)] }),
      line("idleCpu", "CPU of an idle one and its follower, µs per s", {
        unit: "µs",
        bounds: PER_STREAM,
        tried: TRIED.idle,
      }),
    ],
    contenders: {
      floor: (setting) => openScale("ours", setting, count / 10),
      published: (setting) => openScale("published", setting, count),
      ours: (setting) => openScale("ours", setting, count),
    },
  };
}

async function openScale(peer: PeerName, { redis }: ScaleSetting, count: number): Promise<Measurement> {
  const none = async (): Promise<void> => {};
  // Ends with its round: what it holds would be in the way of the next contender.
  return { measure: () => measure(peer, { redis, count }), [Symbol.asyncDispose]: none };
}

async function measure(
  peer: PeerName,
  { redis, count }: { redis: RedisServer; count: number },
): Promise<Sample> {
  await using producer = await startWorker(peer, redis);
  await using followers = await startWorker(peer, redis);
  const all: Pair = { producer, followers };
  await warmUp(all, `${peer}-${count}-warm`);

  const prefix = `${peer}-${count}`;
  const [emptyProducer, emptyFollowers] = await both(all, (worker) => worker.call("heap", undefined));
  const openMs = await producer.call("produce", { prefix, count }, CALL_LIMIT_MS);
  const streamBytes = (await producer.call("heap", undefined)) - emptyProducer;
  const attachMs = await followers.call("follow", { prefix, count }, CALL_LIMIT_MS);
  const followerBytes = (await followers.call("heap", undefined)) - emptyFollowers;
  const idle = await idleCost(redis, all);
  const endMs = await end(all);
  return {
    openMs: openMs / count,
    attachMs: attachMs / count,
    endMs: endMs / count,
    streamBytes: streamBytes / count,
    followerBytes: followerBytes / count,
    idleCommands: idle.commandsPerMinute / count,
    idleCpu: (idle.cpuShare * 1e6) / count,
  };
}

interface Pair {
  producer: Child<ScaleWorker>;
  followers: Child<ScaleWorker>;
}

async function startWorker(peer: PeerName, redis: RedisServer): Promise<Child<ScaleWorker>> {
  const worker = await Child.start<ScaleWorker>("scale/worker.ts", FLAGS);
  try {
    await worker.call("open", { peer, url: redis.url });
  } catch (error) {
    await endAll(worker);
    throw error;
  }
  return worker;
}

function both<T>(
  { producer, followers }: Pair,
  act: (worker: Child<ScaleWorker>) => Promise<T>,
): Promise<[T, T]> {
  return Promise.all([act(producer), act(followers)]);
}

/** Code that isn't compiled yet would be a large part of few streams, and a small one of many. */
async function warmUp(pair: Pair, prefix: string): Promise<void> {
  await pair.producer.call("produce", { prefix, count: WARM_UP });
  await pair.followers.call("follow", { prefix, count: WARM_UP });
  await end(pair);
}

async function end(pair: Pair): Promise<number> {
  const startedAt = await pair.producer.call("end", undefined);
  const [, endedAt] = await both(pair, (worker) => worker.call("ended", undefined, CALL_LIMIT_MS));
  return (endedAt - startedAt) / 1000;
}

async function idleCost(
  redis: RedisServer,
  pair: Pair,
): Promise<{ commandsPerMinute: number; cpuShare: number }> {
  await pass(SETTLE_MS);
  const cpu = async (): Promise<number> => {
    const [one, other] = await both(pair, (worker) => worker.call("cpuMs", undefined));
    return one + other;
  };
  const commands = async (): Promise<number> =>
    Object.values(await redis.commandCounts()).reduce((sum, calls) => sum + calls, 0);
  const [commandsBefore, cpuBefore, startedAt] = [await commands(), await cpu(), performance.now()];
  await pass(IDLE_MS);
  const [commandsAfter, cpuAfter] = [await commands(), await cpu()];
  const minutes = (performance.now() - startedAt) / 60_000;
  return {
    commandsPerMinute: (commandsAfter - commandsBefore) / minutes,
    cpuShare: (cpuAfter - cpuBefore) / (minutes * 60_000),
  };
}
