// Several actions that meet at one moment, which chance alone seldom makes them do.

import type { Dice } from "../../src/testing/dice.ts";
import type { Action, Plan } from "./plan.ts";
import { canSupersede, readerScript, sourceScript } from "./scripts.ts";

export /** The first producer is away for a while, another takes its stream over, and followers come just when it is back. */
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

/** A producer ends and dies, a follower has heard of its end and of nothing else, and gets its text from the next one. */
export function succeed(dice: Dice, plan: Plan): Action[] {
  const stream = 0;
  const eager = { paceMs: 0 };
  const wayMs = plan.latency.maxMs;
  const at = dice.between(10, 100);
  const sourceMs = 4 * wayMs + dice.between(0, 50);
  const endAt = at + 2 * wayMs + sourceMs;
  const source = {
    opening: "at once",
    openingMs: 0,
    cancelling: "settles",
    end: dice.pick(["done", "failed"] as const),
  } as const;
  const chunks = Array.from({ length: 10 }, () => ({ afterMs: sourceMs / 10, units: dice.integer(1, 9) }));
  const longer = Array.from({ length: 20 }, () => ({ afterMs: wayMs / 2, units: 9 }));
  return [
    { type: "create", at, process: 0, stream, source: { ...source, chunks }, reader: eager },
    { type: "resume", at: at + 2 * wayMs, process: 1, stream, reader: eager },
    {
      type: "resume",
      at: endAt - dice.between(0, 4 * wayMs),
      process: plan.processes - 1,
      stream,
      reader: readerScript(dice),
    },
    dice.chance(0.5)
      ? { type: "crash", at: endAt + dice.between(0, 2 * wayMs), process: 0 }
      : { type: "freeze", at: endAt + dice.between(0, 2 * wayMs), process: 0, forMs: 5_000 },
    {
      type: "create",
      at: endAt + dice.between(-wayMs, 3 * wayMs),
      process: 1,
      stream,
      source: { ...source, end: "done", chunks: longer },
      reader: eager,
    },
  ];
}

/** What a Redis may lose: keys, one by one, or all that its replica hadn't got yet. */
export function redisFaults(dice: Dice, plan: Plan): Action[] {
  const moment = (): number =>
    dice.chance(0.3) ? dice.between(0, Math.min(200, plan.durationMs)) : dice.between(0, plan.durationMs);
  return Array.from({ length: dice.integer(1, 2) }, () =>
    dice.chance(0.5)
      ? {
          type: "fail-over",
          at: moment(),
          lagMs: dice.pick([0, dice.between(0, 100), dice.between(0, 1_500)]),
          forMs: dice.pick([1, dice.between(1, 1_000), dice.between(1_000, 12_000)]),
          skewMs: dice.pick([0, 0, dice.between(-300, 300), dice.between(-2_000, 2_000)]),
        }
      : {
          type: "evict",
          at: moment(),
          stream: dice.integer(0, plan.streams - 1),
          part: dice.pick(["record", "tail", "text"] as const),
        },
  );
}

/** Readers who come back to where they were, and late presses of Stop, while another answer may have taken the id. */
export function comebacks(dice: Dice, plan: Plan): Action[] {
  const actions: Action[] = [];
  const moment = (): number => dice.between(0, plan.durationMs);
  const stream = 0;
  if (canSupersede(plan) && dice.chance(0.5)) {
    const process = dice.integer(0, plan.processes - 1);
    const source = sourceScript(dice, plan);
    actions.push({ type: "create", at: moment(), process, stream, source, reader: readerScript(dice) });
  }
  for (let count = dice.integer(1, 4); count > 0; count--) {
    const where = {
      at: moment(),
      process: dice.integer(0, plan.processes - 1),
      stream,
      pick: dice.fraction(),
    };
    actions.push(
      dice.chance(0.8)
        ? { type: "return", ...where, reader: readerScript(dice) }
        : { type: "stop-seen", ...where },
    );
  }
  return actions;
}
