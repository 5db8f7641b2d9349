// What happens in a simulation, decided from its seed before it starts.

import type { Weather } from "./connection.ts";
import { Dice } from "../../src/testing/dice.ts";
import type { OnEndPlan } from "./hand-overs.ts";
import type { SourceScript } from "./run.ts";
import { comebacks, redisFaults, succeed, takeOver } from "./scenes.ts";
import { canSupersede, readerScript, sourceScript, weather } from "./scripts.ts";

/** How a reader takes its text. */
export interface ReaderScript {
  /** Between two reads; 0 takes everything at once. */
  paceMs: number;
  /** After how many characters it pauses, and how long; absent where it never does. */
  stall?: { atUnits: number; forMs: number };
  /** After how many characters it leaves; absent where it stays. */
  leaveAtUnits?: number;
}

export type Action =
  | {
      type: "produce";
      at: number;
      process: number;
      stream: number;
      source: SourceScript;
      reader: ReaderScript;
      skip?: number;
    }
  | {
      type: "create";
      at: number;
      process: number;
      stream: number;
      source: SourceScript;
      reader: ReaderScript;
    }
  | { type: "resume"; at: number; process: number; stream: number; reader: ReaderScript; skip?: number }
  /** A reader comes back with a position that one before it had; `pick`, from 0 to 1, says which. */
  | { type: "return"; at: number; process: number; stream: number; reader: ReaderScript; pick: number }
  /** A late press of Stop, by somebody who saw the answer that `pick` chooses. */
  | { type: "stop-seen"; at: number; process: number; stream: number; pick: number }
  | { type: "ask"; at: number; process: number; stream: number }
  | { type: "stop"; at: number; process: number; stream: number }
  | { type: "close"; at: number; process: number }
  | { type: "crash"; at: number; process: number }
  | { type: "freeze"; at: number; process: number; forMs: number }
  | {
      type: "stall-wire";
      at: number;
      process: number;
      which: "publisher" | "subscriber" | "both";
      forMs: number;
    }
  | {
      type: "break-wire";
      at: number;
      process: number;
      which: "publisher" | "subscriber" | "both";
      forMs: number;
    }
  | { type: "weather"; at: number; forMs: number; weather: Weather }
  | { type: "restart-server"; at: number; forMs: number; isWiped: boolean }
  | RedisFault;

/** What only happens to a Redis that keeps the text. */
export type RedisFault =
  /** Its replica gets nothing more from now on; after `lagMs` the server dies, and `forMs` later the replica serves, with its own clock. */
  | { type: "fail-over"; at: number; lagMs: number; forMs: number; skewMs: number }
  /** One key of a stream is evicted, or deleted by hand. */
  | { type: "evict"; at: number; stream: number; part: "record" | "tail" | "text" };

/** What a process is told to call. */
export type Call = Extract<
  Action,
  {
    type: "produce" | "create" | "resume" | "return" | "stop-seen" | "ask" | "stop" | "close";
  }
>;

/** A call that may run `makeStream`. */
export interface Opening {
  type: "produce" | "create";
  streamId: string;
  source: SourceScript;
  reader: ReaderScript;
  skip?: number;
}

export interface Plan {
  seed: number;
  processes: number;
  streams: number;
  durationMs: number;
  latency: { minMs: number; maxMs: number };
  offline: "reject" | "queue" | "resend";
  client: "atomic" | "documented";
  isCounting: boolean;
  halfOpenMaxMs: number;
  maxSkewMs: number;
  maxQueuedUnits: number;
  /** Apps take what has ended; absent if they don't. */
  onEnd?: OnEndPlan;
  /** Over a database; absent over a pub/sub server. */
  log?: LogPlan;
  /** Over a Redis that keeps the text; absent over anything else. */
  redisLog?: RedisLogPlan;
  actions: Action[];
}

export interface LogPlan {
  leaseMs: number;
  flushIntervalMs: number;
  pollIntervalMs: number;
  maxConnections: number;
  /** No notification ever arrives. */
  isDeaf: boolean;
}

export interface RedisLogPlan {
  leaseMs: number;
  flushIntervalMs: number;
}

/** What keeps the streams: a pub/sub server and their producers' memory, a database, or a Redis. */
export const STORE_KINDS = ["relay", "log", "redis-log"] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

const LONG_QUEUE_UNITS = 200;
const LONGER = 15;

export function planFor(seed: number, store: StoreKind = "relay"): Plan {
  const dice = new Dice(seed);
  const durationMs = dice.pick([300, 2_000, 8_000, 20_000]);
  const client = dice.chance(0.75) || store !== "relay" ? "atomic" : "documented";
  const slowestMs = client === "atomic" ? dice.pick([1, 5, 40, 150, 400]) : dice.pick([1, 5, 40, 100]);
  const plan: Plan = {
    seed,
    processes: dice.integer(2, 4),
    streams: dice.chance(0.8) ? 1 : 2,
    durationMs,
    latency: { minMs: dice.chance(0.5) ? slowestMs * 0.5 : 0.05, maxMs: slowestMs },
    offline: dice.pick(["reject", "queue", "resend"]),
    client,
    isCounting: dice.chance(0.7),
    halfOpenMaxMs: dice.pick([0, 0, 500, 5_000]),
    maxSkewMs: dice.pick([0, 0, 5, 1_000]),
    maxQueuedUnits: dice.pick([8, 40, 200, 100_000]),
    ...(store === "log" ? { log: logPlan(new Dice(seed, 2), slowestMs) } : {}),
    ...(store === "redis-log" ? { redisLog: redisLogPlan(new Dice(seed, 2)) } : {}),
    actions: [],
  };
  const isCalm = dice.chance(0.3);
  plan.actions.push(starting(dice, plan));
  const callers = dice.integer(1, 7);
  for (let count = 0; count < callers; count++) plan.actions.push(call(dice, plan));
  const faults = isCalm ? 0 : dice.integer(1, 4);
  for (let count = 0; count < faults; count++) plan.actions.push(fault(dice, plan));
  if (!isCalm && dice.chance(0.3)) plan.actions.push(...takeOver(dice, plan));
  // Dice of its own, so that older seeds keep the rest of their plans.
  const later = new Dice(seed, 3);
  if (!isCalm && canSupersede(plan) && later.chance(0.1)) plan.actions.push(...succeed(later, plan));
  const returning = new Dice(seed, 4);
  if (returning.chance(0.35)) plan.actions.push(...comebacks(returning, plan));
  const ending = new Dice(seed, 5);
  if (ending.chance(0.4)) plan.onEnd = onEndPlan(ending);
  const losing = new Dice(seed, 6);
  if (plan.redisLog && losing.chance(0.4)) makeLong(plan);
  if (!isCalm && plan.redisLog && losing.chance(0.5)) plan.actions.push(...redisFaults(losing, plan));
  plan.actions.sort((a, b) => a.at - b.at);
  return plan;
}

/** Text that fills more than one entry of a Redis; short queues would take it in pieces for ever. */
function makeLong(plan: Plan): void {
  if (plan.maxQueuedUnits < LONG_QUEUE_UNITS) return;
  for (const action of plan.actions) {
    if (action.type !== "produce" && action.type !== "create") continue;
    const chunks = action.source.chunks.map((chunk) => ({ ...chunk, units: chunk.units * LONGER }));
    action.source = { ...action.source, chunks };
  }
}

function onEndPlan(dice: Dice): OnEndPlan {
  return {
    takesMs: dice.pick([0, 1, 30, 700, 3_000]),
    failsFirst: dice.chance(0.2),
    timeoutMs: dice.pick([10_000, 10_000, 500]),
  };
}

/** Two connections carry fewer statements than one busy process has, if the database is further away than this. */
const MAX_FEW_MS = 150;

function logPlan(dice: Dice, slowestMs: number): LogPlan {
  return {
    leaseMs: dice.pick([10_000, 10_000, 3_000]),
    flushIntervalMs: dice.pick([50, 50, 1, 400]),
    pollIntervalMs: dice.pick([250, 250, 20]),
    maxConnections: Math.max(dice.pick([10, 10, 2]), slowestMs > MAX_FEW_MS ? 10 : 0),
    isDeaf: dice.chance(0.15),
  };
}

function redisLogPlan(dice: Dice): RedisLogPlan {
  return { leaseMs: dice.pick([10_000, 10_000, 3_000]), flushIntervalMs: dice.pick([200, 200, 50, 1]) };
}

function starting(dice: Dice, plan: Plan): Action {
  const where = {
    at: dice.between(0, 5),
    process: 0,
    stream: 0,
    source: sourceScript(dice, plan),
    reader: readerScript(dice),
  };
  return dice.chance(0.5) && canSupersede(plan)
    ? { type: "create", ...where }
    : { type: "produce", ...where };
}

function call(dice: Dice, plan: Plan): Action {
  const where = {
    at: moment(dice, plan),
    process: dice.integer(0, plan.processes - 1),
    stream: dice.integer(0, plan.streams - 1),
  };
  const skip = dice.chance(0.3) ? { skip: dice.pick([0, 1, dice.integer(0, 60), dice.integer(0, 400)]) } : {};
  const choice = dice.fraction();
  if (choice < 0.25) {
    return {
      type: "produce",
      ...where,
      source: sourceScript(dice, plan),
      reader: readerScript(dice),
      ...skip,
    };
  }
  if (choice < 0.33 && canSupersede(plan))
    return { type: "create", ...where, source: sourceScript(dice, plan), reader: readerScript(dice) };
  if (choice < 0.8) return { type: "resume", ...where, reader: readerScript(dice), ...skip };
  if (choice < 0.9) return { type: "ask", ...where };
  if (choice < 0.98) return { type: "stop", ...where };
  return { type: "close", at: where.at, process: where.process };
}

function fault(dice: Dice, plan: Plan): Action {
  const where = {
    at: moment(dice, plan),
    process: dice.chance(0.6) ? 0 : dice.integer(0, plan.processes - 1),
  };
  const forMs = dice.pick([dice.between(1, 100), dice.between(100, 2_000), dice.between(2_000, 9_000)]);
  const which = dice.pick(["publisher", "subscriber", "both"] as const);
  const choice = dice.fraction();
  if (choice < 0.2) return { type: "crash", ...where };
  if (choice < 0.4) return { type: "freeze", ...where, forMs };
  if (choice < 0.55) return { type: "stall-wire", ...where, which, forMs };
  if (choice < 0.75) return { type: "break-wire", ...where, which, forMs };
  if (choice < 0.95) return { type: "weather", at: where.at, forMs, weather: weather(dice) };
  return { type: "restart-server", at: where.at, forMs: Math.min(forMs, 3_000), isWiped: dice.chance(0.5) };
}

/** Half of what happens happens close to the start, where everything is under way at once. */
function moment(dice: Dice, plan: Plan): number {
  return dice.chance(0.3) ? dice.between(0, Math.min(50, plan.durationMs)) : dice.between(0, plan.durationMs);
}
