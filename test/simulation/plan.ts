// What happens in a simulation, decided from its seed before it starts.

import type { Weather } from "./connection.ts";
import { Dice } from "../../src/testing/dice.ts";
import type { SourceScript } from "./run.ts";

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
  | { type: "restart-server"; at: number; forMs: number; isWiped: boolean };

/** What a process is told to call. */
export type Call = Extract<Action, { type: "produce" | "create" | "resume" | "ask" | "stop" | "close" }>;

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
  actions: Action[];
}

export function planFor(seed: number): Plan {
  const dice = new Dice(seed);
  const durationMs = dice.pick([300, 2_000, 8_000, 20_000]);
  const client = dice.chance(0.75) ? "atomic" : "documented";
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
    actions: [],
  };
  const isCalm = dice.chance(0.3);
  plan.actions.push(starting(dice, plan));
  const callers = dice.integer(1, 7);
  for (let count = 0; count < callers; count++) plan.actions.push(call(dice, plan));
  const faults = isCalm ? 0 : dice.integer(1, 4);
  for (let count = 0; count < faults; count++) plan.actions.push(fault(dice, plan));
  if (!isCalm && dice.chance(0.3)) plan.actions.push(...takeOver(dice, plan));
  plan.actions.sort((a, b) => a.at - b.at);
  return plan;
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

/** A claim over a claim takes two of the documented methods: one that is set free in between is lost. No promise covers it. */
function canSupersede(plan: Plan): boolean {
  return plan.client === "atomic";
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

/** The first producer is away for a while, another takes its stream over, and followers come just when it is back. */
function takeOver(dice: Dice, plan: Plan): Action[] {
  const forMs = dice.between(20, 9_000);
  const at = dice.between(0, plan.durationMs / 2);
  const stream = 0;
  const which = dice.pick(["publisher", "subscriber", "both"] as const);
  const absence = { at, process: 0, which, forMs };
  const successor = {
    at: at + dice.between(0, forMs),
    process: 1,
    stream,
    source: sourceScript(dice, plan),
    reader: readerScript(dice),
  };
  const isWiped = dice.chance(0.5);
  const back = at + forMs;
  return [
    dice.chance(0.3)
      ? { type: "freeze", at, process: 0, forMs }
      : { type: dice.pick(["stall-wire", "break-wire"] as const), ...absence },
    ...(isWiped ? [{ type: "restart-server", at: successor.at - 1, forMs: 1, isWiped } as const] : []),
    { type: canSupersede(plan) && dice.chance(0.7) ? "create" : "produce", ...successor },
    ...[0, 1, 2].map((): Action => {
      const process = dice.integer(0, plan.processes - 1);
      return {
        type: "resume",
        at: dice.between(Math.max(back - 300, at), back + 100),
        process,
        stream,
        reader: readerScript(dice),
      };
    }),
  ];
}

function weather(dice: Dice): Weather {
  const share = (): number => dice.pick([0, 0.1, 0.3, 0.7]);
  return { lost: share(), doubled: share(), late: share(), maxLateMs: dice.pick([5, 100, 1_500]) };
}

/** Half of what happens happens close to the start, where everything is under way at once. */
function moment(dice: Dice, plan: Plan): number {
  return dice.chance(0.3) ? dice.between(0, Math.min(50, plan.durationMs)) : dice.between(0, plan.durationMs);
}

function sourceScript(dice: Dice, plan: Plan): SourceScript {
  const pace = dice.pick([0, 1, 20, plan.durationMs / 30]);
  const chunks = Array.from({ length: dice.pick([0, 1, dice.integer(2, 12), dice.integer(10, 40)]) }, () => ({
    afterMs: pace === 0 || dice.chance(0.2) ? 0 : dice.between(0, 2 * pace),
    units: dice.pick([0, 1, dice.integer(1, 12), dice.integer(1, 60)]),
  }));
  return {
    opening: dice.pick([
      "at once",
      "at once",
      "at once",
      "later",
      "later",
      dice.pick(["throws", "rejects later"]),
    ]),
    openingMs: dice.pick([1, 50, 1_000]),
    chunks,
    end: dice.pick(["done", "done", "done", "failed", "open"]),
    cancelling: dice.pick(["settles", "settles", "hangs", "rejects"]),
  };
}

function readerScript(dice: Dice): ReaderScript {
  const script: ReaderScript = { paceMs: dice.pick([0, 0, 0, 2, 100]) };
  if (dice.chance(0.25))
    script.stall = { atUnits: dice.integer(0, 80), forMs: dice.pick([10, 1_000, 7_000, 1e9]) };
  if (dice.chance(0.2)) script.leaveAtUnits = dice.integer(0, 100);
  return script;
}
